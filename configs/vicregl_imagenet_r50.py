"""VICRegL, ResNet-50, ImageNet, 300 epochs.

    ssl-jax train --config=vicregl_imagenet_r50 --workdir=W --config.data.dir=DIR

The data: ImageNet as ArrayRecord files or as a folder; `ssl-jax data --help` says how to make and name them.
Published: 70.4 % linear top-1 and 55.9 mIoU of a linear segmentation of VOC (the code's README), and 71.2 and 54.0 with
--config.method.alpha=0.9. For 100 epochs on 8 GPUs the README has --config.batch=512 --config.lr.peak=0.3.
Batch, LARS, rate, decay, two crops of 224 without small ones, alpha 0.75: the README's command for a ResNet-50.
Weights, warm-up, heads (8192 thrice; 512 thrice for places), 20 and 4 matches: the code's defaults (arXiv:2210.01571,
section 4.1). Augmentation: the code's, BYOL's two views.
Paper and code: by default the code matches all 49 places by their features (`l2_all_matches`) and does not mirror the
grid of a mirrored crop (`no_flip_grid`); here 20 and 4 are kept of both kinds of matches, and grids are mirrored.
The paper has 20 matches of large views and 4 of small ones; the code, and this recipe, 20 of a pair's first search and
4 of its second.
Differs: bfloat16 in the networks (float16 there), the covariance in float32. Distances in the image are in units of its
sides, there in pixels, which is the same for square images.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """32 GPUs in the README."""
    c = ConfigDict()
    c.data = dict(train="tfds:imagenet2012/train", test="tfds:imagenet2012/validation")
    c.batch = 2048
    c.duration = "300 epochs"
    c.method = dict(name="vicregl", alpha=0.75, num_matches=(20, 4), invariance=25.0, variance=25.0, covariance=0.5)
    c.nets = dict(
        encoder=dict(name="resnet", depth=50, dtype="bfloat16"),
        projector=dict(name="vicreg_expander", widths=(8192, 8192, 8192), dtype="bfloat16"),
        local_projector=dict(name="vicreg_expander", widths=(512, 512, 512), dtype="bfloat16"),
    )
    c.views = tuple(dict(view, places=True) for view in presets.byol(224))
    c.optimizer = dict(name="lars_momentum_then_rate", weight_decay=1e-6)
    c.lr = dict(kind="cosine", peak=0.2, per=256, end_factor=0.001, warmup="10 epochs")
    return c
