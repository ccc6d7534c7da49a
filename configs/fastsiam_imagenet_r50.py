"""FastSiam, ResNet-50, ImageNet, 25 epochs of small batches.

    ssl-jax train --config=fastsiam_imagenet_r50 --workdir=W --config.data.dir=DIR

The data: ImageNet as ArrayRecord files or as a folder; `ssl-jax data --help` says how to make and name them.
Paper: as good as supervised ImageNet weights in detection, segmentation and keypoints after 25 epochs on one GPU at a
batch of 32 (arXiv:2209.02315, abstract). No linear accuracy is known to us.
Batch and duration: the abstract. Four views: the paper (from memory). Heads, SGD, decay and the rate of 0.05 for each
256 images, which is constant for the predictor: SimSiam's (arXiv:2011.10566, section 3); the paper's own rate is not
known to us. Augmentation: MoCo v2's, as SimSiam.
Paper and code: the authors have published no code; the projections are averaged as in lightly.
Differs: bfloat16 in the networks.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """One GPU in the paper."""
    c = ConfigDict()
    c.data = dict(train="tfds:imagenet2012/train", test="tfds:imagenet2012/validation")
    c.batch = 32
    c.duration = "25 epochs"
    c.method = dict(name="fastsiam")
    c.nets = dict(
        encoder=dict(name="resnet", depth=50, dtype="bfloat16"),
        projector=dict(name="simsiam_projector", widths=(2048, 2048, 2048), dtype="bfloat16"),
        predictor=dict(name="simsiam_predictor", hidden=512, out=2048, dtype="bfloat16"),
    )
    c.views = presets.moco_v2(224, count=4)
    constant = dict(match="predictor/", lr=dict(kind="constant", peak=0.05, per=256))
    c.optimizer = dict(name="sgd", weight_decay=1e-4, decay_1d=True, groups=(constant,))
    c.lr = dict(kind="cosine", peak=0.05, per=256)
    return c
