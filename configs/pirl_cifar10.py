"""PIRL on CIFAR-10, small: learns in minutes on two CPU cores.

    ssl-jax train --config=pirl_cifar10 --workdir=W --config.data.dir=DIR

Origin: none is published for CIFAR-10. The image's half is InstDisc's recipe here (`inst_disc_cifar10`), with its
softmax over all images, in batches of 64, which are more steps for as much work; pieces of 12 pixels of a crop that is
enlarged to 48 have the shares of the paper's 64 of 255.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """1250 steps of 64 images."""
    c = ConfigDict()
    c.data = dict(train="tfds:cifar10/train[:10000]", test="tfds:cifar10/test")
    c.batch = 64
    c.duration = "8 epochs"
    c.method = dict(name="pirl", form="full", temperature=0.1, momentum=0.5, jigsaw_weight=0.5)
    c.nets = dict(
        encoder=dict(name="resnet", depth=(1, 1, 1), base=32, stem="half"),
        projector=dict(name="linear", out=128),
        jigsaw_projector=dict(name="jigsaw_projector", widths=(128,), out=128),
    )
    c.views = presets.pirl(32, scale=(0.2, 1.0), patch=12, picture=48, stats=presets.CIFAR10)
    c.optimizer = dict(name="adamw", weight_decay=1e-4)
    c.lr = dict(kind="cosine", peak=3e-3, warmup="1 epoch")
    return c
