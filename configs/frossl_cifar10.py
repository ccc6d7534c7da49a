"""FroSSL on CIFAR-10, small: learns in minutes on two CPU cores.

    ssl-jax train --config=frossl_cifar10 --workdir=W --config.data.dir=DIR

Origin: the code's CIFAR-10 run, a fork of solo-learn, ResNet-18, 1000 epochs of 50,000 images: LARC with its clip at
0.3 for a batch of 256, decay 1e-4, a projector of 2048, 2048 and 1024, a warm-up of 10 epochs, cosine, solo-learn's
symmetric views.
Changed: batch 128, the rate goes with it; warm-up of one epoch; a projector of 1024, 1024 and 512; crops of 0.08 to 1
of the area, where the code's views of CIFAR have none; 10,000 images, 8 epochs, a ResNet of three blocks.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """625 steps of 128 images."""
    c = ConfigDict()
    c.data = dict(train="tfds:cifar10/train[:10000]", test="tfds:cifar10/test")
    c.batch = 128
    c.duration = "8 epochs"
    c.method = dict(name="frossl", invariance=1.0)
    c.nets = dict(
        encoder=dict(name="resnet", depth=(1, 1, 1), base=32, stem="half"),
        projector=dict(name="mlp", widths=(1024, 1024, 512)),
    )
    c.views = presets.cifar_symmetric()
    c.optimizer = dict(name="larc_clipped", weight_decay=1e-4)
    c.lr = dict(kind="cosine", peak=0.3, per=256, warmup="1 epochs")
    return c
