"""Siamese network with a margin on CIFAR-10, small: learns in minutes on two CPU cores.

    ssl-jax train --config=siamese_margin_cifar10 --workdir=W --config.data.dir=DIR

Origin: none is published for pairs of views; this is the recipe of SimCLR here (`simclr_cifar10`) with another loss.
The margin is 5, near the distance of projections of a fresh network, whose loss with a margin of 1 is made small by
shrinking them: kNN then gains nothing.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """625 steps of 128 images."""
    c = ConfigDict()
    c.data = dict(train="tfds:cifar10/train[:10000]", test="tfds:cifar10/test")
    c.batch = 128
    c.duration = "8 epochs"
    c.method = dict(name="siamese_margin", margin=5.0)
    c.nets = dict(
        encoder=dict(name="resnet", depth=(1, 1, 1), base=32, stem="half"),
        projector=dict(name="mlp", widths=(512, 128)),
    )
    c.views = presets.simclr(32, strength=0.5, blur=False, stats=presets.CIFAR10)
    c.optimizer = dict(name="adamw", weight_decay=1e-4)
    c.lr = dict(kind="cosine", peak=3e-3, warmup="1 epoch")
    return c
