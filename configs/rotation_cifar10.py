"""Rotation prediction on CIFAR-10, small: learns in minutes on two CPU cores.

    ssl-jax train --config=rotation_cifar10 --workdir=W --config.data.dir=DIR

Origin: the official CIFAR-10 recipe of arXiv:1803.07728, a network-in-network of four blocks, 200 epochs of 50,000
images: SGD with Nesterov momentum at 0.1 for a batch of 128 in four turns, decay 5e-4, the rate times 0.2 after 30, 60
and 80 % of the run, shifts by up to 4 pixels and flips before the turn.
Changed: batch 32, the rate goes with it; 10,000 images, 4 epochs, a ResNet of three blocks whose stem halves the image.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """1250 steps of 32 images in four turns."""
    c = ConfigDict()
    c.data = dict(train="tfds:cifar10/train[:10000]", test="tfds:cifar10/test")
    c.batch = 32
    c.duration = "4 epochs"
    c.method = dict(name="rotation")
    c.nets = dict(
        encoder=dict(name="resnet", depth=(1, 1, 1), base=32, stem="half"), classifier=dict(name="linear", out=4)
    )
    c.views = presets.rotation(32, padding=4)
    c.optimizer = dict(name="sgd", nesterov=True, weight_decay=5e-4, decay_1d=True)
    c.lr = dict(kind="steps", peak=0.1, per=128, factor=0.2, at=("30 %", "60 %", "80 %"))
    return c
