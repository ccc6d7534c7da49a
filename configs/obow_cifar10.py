"""oBoW on CIFAR-10, small: learns in minutes on two CPU cores.

    ssl-jax train --config=obow_cifar10 --workdir=W --config.data.dir=DIR

Origin: none is published for CIFAR-10. Two levels, crops and patches as in the code's full version for ImageNet, 10 and
5 for the sharpness and the scale as with its ResNet-18, averaging from 0.99 to 1. The teacher
sees the image enlarged to 48 pixels, so that its last map has 6 x 6 places: words are taken of 5 x 5 or more.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """625 steps of 128 images."""
    c = ConfigDict()
    c.data = dict(train="tfds:cifar10/train[:10000]", test="tfds:cifar10/test")
    c.batch = 128
    c.duration = "8 epochs"
    decay = dict(kind="cosine", start=0.99, end=1.0)
    c.method = dict(name="obow", ema_decay=decay, levels=("stage2", "stage3"), words=1024, sharpness=10.0, scale=5.0)
    c.nets = dict(
        encoder=dict(name="resnet", depth=(1, 1, 1), base=32, stem="half"),
        weight_generator=dict(name="mlp", widths=(256, 128), bias=False),
    )
    small = dict(local_size=24, patch=16, picture=48, patch_jitter=4)
    c.views = presets.obow(48, resize=48, **small, stats=presets.CIFAR10)
    c.optimizer = dict(name="adamw", weight_decay=1e-4)
    c.lr = dict(kind="cosine", peak=3e-3, warmup="1 epoch")
    return c
