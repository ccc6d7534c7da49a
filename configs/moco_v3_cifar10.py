"""MoCo v3 on CIFAR-10, small: learns in minutes on two CPU cores.

    ssl-jax train --config=moco_v3_cifar10 --workdir=W --config.data.dir=DIR

Origin: solo-learn's CIFAR-10 recipe, ResNet-18, 1000 epochs of 50,000 images, 93.10 % online linear: LARC with its clip
at 0.3 for a batch of 256, decay 1e-6, warm-up of 10 epochs, cosine, heads of (4096, 256), temperature 0.2, averaging
from 0.99 to 1, and its views.
Changed: 10,000 images, 8 epochs, a ResNet of three blocks whose stem halves the image, and AdamW at 3e-3 with a warm-up
of one epoch, since SGD gets nowhere in so few steps;
heads of (1024, 128).
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """625 steps of 128 images."""
    c = ConfigDict()
    c.data = dict(train="tfds:cifar10/train[:10000]", test="tfds:cifar10/test")
    c.batch = 128
    c.duration = "8 epochs"
    c.method = dict(name="moco_v3", ema_decay=dict(kind="cosine", start=0.99, end=1.0), temperature=0.2)
    c.nets = dict(
        encoder=dict(name="resnet", depth=(1, 1, 1), base=32, stem="half"),
        projector=dict(name="mlp", widths=(1024, 128), bias=False, last_bias=False, last_norm="plain"),
        predictor=dict(name="mlp", widths=(1024, 128), bias=False, last_bias=False),
    )
    c.views = presets.cifar_asymmetric()
    c.optimizer = dict(name="adamw", weight_decay=1e-4)
    c.lr = dict(kind="cosine", peak=3e-3, warmup="1 epoch")
    return c
