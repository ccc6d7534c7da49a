"""TiCo, ResNet-50, ImageNet, 1000 epochs.

    ssl-jax train --config=tico_imagenet_r50 --workdir=W --config.data.dir=DIR

The data: ImageNet as ArrayRecord files or as a folder; `ssl-jax data --help` says how to make and name them.
Paper: 73.4 % linear top-1 (arXiv:2206.10698, table 1).
Weights, head, averaging and batch: the paper's. There is no code of the authors; LARS, rate, decay and warm-up are
those of lightly's benchmark, which are BYOL's for 1000 epochs. That benchmark ran 100 epochs at a batch of 256 and has
49.7 %. Augmentation: BYOL's two views. Differs: bfloat16 in the networks.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """A pod, or 32 GPUs."""
    c = ConfigDict()
    c.data = dict(train="tfds:imagenet2012/train", test="tfds:imagenet2012/validation")
    c.batch = 4096
    c.duration = "1000 epochs"
    c.method = dict(name="tico", ema_decay=dict(kind="cosine", start=0.99, end=1.0), beta=0.9, rho=8.0)
    c.nets = dict(
        encoder=dict(name="resnet", depth=50, dtype="bfloat16"),
        projector=dict(name="byol_mlp", hidden=4096, out=256, dtype="bfloat16"),
    )
    c.views = presets.byol(224)
    c.optimizer = dict(name="lars_momentum_then_rate", weight_decay=1.5e-6)
    c.lr = dict(kind="cosine", peak=0.2, per=256, warmup="10 epochs")
    return c
