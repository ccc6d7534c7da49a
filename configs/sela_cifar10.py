"""SeLa on CIFAR-10, small: learns in minutes on two CPU cores.

    ssl-jax train --config=sela_cifar10 --workdir=W --config.data.dir=DIR

Origin: the official code's scripts/cifar.sh, an AlexNet on images of 224 pixels, 400 epochs of 50,000 images: SGD at
0.03 for a batch of 128, decay 5e-4, ten heads of 128 clusters, lambda 10, labels anew once an epoch, of one head.
Changed: 10,000 images of 32 pixels, 16 epochs, four heads of 64 clusters which all get labels 40 times, ever rarer as
on ImageNet; a ResNet of three blocks whose stem halves the image; AdamW at 3e-3 with a warm-up of one epoch.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """1250 steps of 128 images."""
    c = ConfigDict()
    c.data = dict(train="tfds:cifar10/train[:10000]", test="tfds:cifar10/test")
    c.batch = 128
    c.duration = "16 epochs"
    c.method = dict(name="sela", heads=4, clusters=64, sharpness=10.0, optimizations=40, tolerance=0.01)
    c.nets = dict(encoder=dict(name="resnet", depth=(1, 1, 1), base=32, stem="half"), projector=dict(name="identity"))
    c.views = presets.moco_v1(32, count=1, stats=presets.CIFAR10)
    c.optimizer = dict(name="adamw", weight_decay=5e-4)
    c.lr = dict(kind="cosine", peak=3e-3, warmup="1 epoch")
    return c
