"""MMCR, ResNet-50, ImageNet, 100 epochs, two views.

    ssl-jax train --config=mmcr_imagenet_r50 --workdir=W --config.data.dir=DIR

The data: ImageNet as ArrayRecord files or as a folder; `ssl-jax data --help` says how to make and name them.
Published in arXiv:2303.03307; the code's README has no result of this run.
All settings: the code's pretrain_imagenet.py: batch 2048, LARS at 0.6 for 256 with decay 1e-6, a warm-up of 10 epochs,
a cosine that ends at a thousandth, a projector of 8192, 8192 and 512, averaging 0.99 throughout, a local weight of 0,
Barlow Twins' views. With more views these come in equal numbers of both kinds.
Paper and code: the code has the same objective without the average, too, which is the one of its CIFAR-10 runs.
Differs: bfloat16 in the networks (float16 there), singular values in float32.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """16 GPUs of 80 GB in the code."""
    c = ConfigDict()
    c.data = dict(train="tfds:imagenet2012/train", test="tfds:imagenet2012/validation")
    c.batch = 2048
    c.duration = "100 epochs"
    c.method = dict(name="mmcr", ema_decay=0.99, local_weight=0.0)
    c.nets = dict(
        encoder=dict(name="resnet", depth=50, dtype="bfloat16"),
        projector=dict(name="barlow_projector", widths=(8192, 8192, 512), dtype="bfloat16"),
    )
    c.views = presets.byol(224)
    c.optimizer = dict(name="lars_momentum_then_rate", weight_decay=1e-6)
    c.lr = dict(kind="cosine", peak=0.6, per=256, end_factor=0.001, warmup="10 epochs")
    return c
