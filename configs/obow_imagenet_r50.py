"""oBoW, ResNet-50, ImageNet, 200 epochs.

    ssl-jax train --config=obow_imagenet_r50 --workdir=W --config.data.dir=DIR

The data: ImageNet as ArrayRecord files or as a folder; `ssl-jax data --help` says how to make and name them.
Paper: 73.8 % linear top-1 (arXiv:2012.11552; the code's README).
Everything: the code (ResNet50_OBoW_full.yaml). Every parameter is decayed; batch norm is synchronized.
Paper and code: the same; the code moves the rate once an epoch after the warm-up (here every step).
Differs: patches have colors of their own; bfloat16 in the networks.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """A global batch of 256 on any number of devices."""
    c = ConfigDict()
    c.data = dict(train="tfds:imagenet2012/train", test="tfds:imagenet2012/validation")
    c.batch = 256
    c.duration = "200 epochs"
    decay = dict(kind="cosine", start=0.99, end=1.0)
    c.method = dict(name="obow", ema_decay=decay, levels=("stage3", "stage4"), words=8192, sharpness=15.0, scale=8.0)
    c.nets = dict(
        encoder=dict(name="resnet", depth=50, zero_init=False, dtype="bfloat16"),
        weight_generator=dict(name="mlp", widths=(4096, 2048), bias=False, dtype="bfloat16"),
    )
    c.views = presets.obow(224)
    c.optimizer = dict(name="sgd", weight_decay=1e-4, decay_1d=True)
    c.lr = dict(kind="cosine", peak=0.03, per=256, end=3e-5, warmup="10 epochs")
    return c
