"""MoCo v1 on CIFAR-10, small: learns in minutes on two CPU cores.

    ssl-jax train --config=moco_v1_cifar10 --workdir=W --config.data.dir=DIR

Origin: none is published for CIFAR-10; this is the recipe of MoCo v2 here (`moco_v2_cifar10`) with v1's head, one
linear layer, and its views, whose jitter is never left out and which have no blur.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """625 steps of 128 images."""
    c = ConfigDict()
    c.data = dict(train="tfds:cifar10/train[:10000]", test="tfds:cifar10/test")
    c.batch = 128
    c.duration = "8 epochs"
    c.method = dict(name="moco_v1", ema_decay=0.99, queue=4096, temperature=0.1)
    c.nets = dict(
        encoder=dict(name="resnet", depth=(1, 1, 1), base=32, stem="half", groups=8),
        projector=dict(name="linear", out=128),
    )
    c.views = presets.moco_v1(32, stats=presets.CIFAR10)
    c.optimizer = dict(name="adamw", weight_decay=1e-4)
    c.lr = dict(kind="cosine", peak=3e-3, warmup="1 epoch")
    return c
