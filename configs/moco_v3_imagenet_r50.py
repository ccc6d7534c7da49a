"""MoCo v3, ResNet-50, ImageNet, 1000 epochs; `moco_v3_imagenet_r50:300` and `:100` are the code's shorter ones.

    ssl-jax train --config=moco_v3_imagenet_r50 --workdir=W --config.data.dir=DIR

The data: ImageNet as ArrayRecord files or as a folder; `ssl-jax data --help` says how to make and name them.
Code: 74.6 % linear top-1 after 1000 epochs, 72.8 % after 300, 68.9 % after 100 (facebookresearch/moco-v3, CONFIG.md).
Everything: the official code (arXiv:2104.02057), which takes BYOL's views with crops of at least a fifth of the image.
Differs: bfloat16 in the networks.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets

LENGTHS = {"": (1000, 0.3, 1.5e-6, 0.996), "300": (300, 0.3, 1e-6, 0.99), "100": (100, 0.6, 1e-6, 0.99)}
"""arg -> epochs, rate per 256, weight decay, first averaging."""


def get_config(arg: str = "") -> ConfigDict:
    """16 GPUs in the code. arg: "", "300" or "100"."""
    if arg not in LENGTHS:
        raise ValueError(f"moco_v3_imagenet_r50:{arg} is not published; leave it out (1000 epochs) or write 300 or 100")
    epochs, peak, weight_decay, ema_decay = LENGTHS[arg]
    head = dict(bias=False, last_bias=False, dtype="bfloat16")
    c = ConfigDict()
    c.data = dict(train="tfds:imagenet2012/train", test="tfds:imagenet2012/validation")
    c.batch = 4096
    c.duration = f"{epochs} epochs"
    c.method = dict(name="moco_v3", ema_decay=dict(kind="cosine", start=ema_decay, end=1.0), temperature=1.0)
    c.nets = dict(
        encoder=dict(name="resnet", depth=50, dtype="bfloat16"),
        projector=dict(name="mlp", widths=(4096, 256), last_norm="plain", **head),
        predictor=dict(name="mlp", widths=(4096, 256), **head),
    )
    c.views = presets.byol(224, scale=(0.2, 1.0))
    c.optimizer = dict(name="lars_momentum_then_rate", weight_decay=weight_decay)
    c.lr = dict(kind="cosine", peak=peak, per=256, warmup="10 epochs")
    return c
