"""Barlow Twins on CIFAR-10, small: learns in minutes on two CPU cores.

    ssl-jax train --config=barlow_twins_cifar10 --workdir=W --config.data.dir=DIR

Origin: lightly's CIFAR-10 benchmark, ResNet-18, 200 epochs of 50,000 images, 84.2 % k-NN: SGD at 0.06 for a batch of
128, decay 5e-4, cosine, a projector of two layers of 2048. Views: solo-learn's asymmetric ones.
Changed: a warm-up of one epoch, as the loss is large at first; two layers of 1024; 10,000 images, 6 epochs, a
ResNet-10 of a quarter of the width. To undo it: --config.data.train=tfds:cifar10/train --config.duration="200 epochs"
--config.nets.encoder.depth=18 --config.nets.encoder.base=64 --config.nets.projector.widths="(2048, 2048)"
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """468 steps of 128 images."""
    c = ConfigDict()
    c.data = dict(train="tfds:cifar10/train[:10000]", test="tfds:cifar10/test")
    c.batch = 128
    c.duration = "6 epochs"
    c.method = dict(name="barlow_twins", off_diagonal=0.005)
    c.nets = dict(
        encoder=dict(name="resnet", depth=10, base=16, stem="cifar"),
        projector=dict(name="barlow_projector", widths=(1024, 1024)),
    )
    c.views = presets.cifar_asymmetric()
    c.optimizer = dict(name="sgd", weight_decay=5e-4, decay_1d=True)
    c.lr = dict(kind="cosine", peak=0.06, per=128, warmup="1 epochs")
    return c
