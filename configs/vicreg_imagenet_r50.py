"""VICReg, ResNet-50, ImageNet, 1000 epochs.

    ssl-jax train --config=vicreg_imagenet_r50 --workdir=W --config.data.dir=DIR

The data: ImageNet as ArrayRecord files or as a folder; `ssl-jax data --help` says how to make and name them.
Paper: 73.2 % linear top-1 (arXiv:2105.04906, table 1).
Batch, LARS, rate, decay, warm-up, heads, weights: section 4.2 and the code's README, which for 100 epochs on 8 GPUs
has --config.batch=512 --config.lr.peak=0.3. Augmentation: the code's, BYOL's two views.
Paper and code: in the paper both views are blurred with p 0.5 and solarized with p 0.1 (appendix C.1), and the rate
ends at 0.002 (section 4.2); in the code and here it ends at a thousandth of its peak, 0.0016.
Differs: bfloat16 in the networks (float16 there), the covariance in float32.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """32 GPUs in the README."""
    c = ConfigDict()
    c.data = dict(train="tfds:imagenet2012/train", test="tfds:imagenet2012/validation")
    c.batch = 2048
    c.duration = "1000 epochs"
    c.method = dict(name="vicreg", invariance=25.0, variance=25.0, covariance=1.0)
    c.nets = dict(
        encoder=dict(name="resnet", depth=50, dtype="bfloat16"),
        projector=dict(name="vicreg_expander", widths=(8192, 8192, 8192), dtype="bfloat16"),
    )
    c.views = presets.byol(224)
    c.optimizer = dict(name="lars_momentum_then_rate", weight_decay=1e-6)
    c.lr = dict(kind="cosine", peak=0.2, per=256, end_factor=0.001, warmup="10 epochs")
    return c
