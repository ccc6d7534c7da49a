"""MMCR on CIFAR-10, small: learns in minutes on two CPU cores.

    ssl-jax train --config=mmcr_cifar10 --workdir=W --config.data.dir=DIR

Origin: the code's CIFAR-10 run, ResNet-50, 500 epochs of 50,000 images, 40 views of each of 32 images: Adam at 1e-3,
decay 1e-6, a projector of 512 and 128, no average of the network. Views: its own.
Changed: 4 views of 128 images; the objective with the averaged network, as the code's for ImageNet, at 0.99; 10,000
images, 4 epochs, which cost as much as 8 of two views; a ResNet of three blocks whose stem halves the image, AdamW at
3e-3 with a warm-up of one epoch. The loss begins near -sqrt(128) = -11 and is at best -128.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """312 steps of 128 images."""
    c = ConfigDict()
    c.data = dict(train="tfds:cifar10/train[:10000]", test="tfds:cifar10/test")
    c.batch = 128
    c.duration = "4 epochs"
    c.method = dict(name="mmcr", ema_decay=0.99)
    c.nets = dict(
        encoder=dict(name="resnet", depth=(1, 1, 1), base=32, stem="half"),
        projector=dict(name="barlow_projector", widths=(512, 128)),
    )
    c.views = presets.small(count=4, scale=(0.08, 1.0), gray=0.2)
    c.optimizer = dict(name="adamw", weight_decay=1e-6)
    c.lr = dict(kind="cosine", peak=3e-3, warmup="1 epoch")
    return c
