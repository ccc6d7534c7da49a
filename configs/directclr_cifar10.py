"""DirectCLR on CIFAR-10, small: learns in minutes on two CPU cores.

    ssl-jax train --config=directclr_cifar10 --workdir=W --config.data.dir=DIR

Origin: lightly's example for CIFAR-10, ResNet-18 and 32 of its 512 features, for which no result is published. Views
and temperature: those of SimCLR here (`simclr_cifar10`), of which this is the recipe without a projector.
Changed: 32 of 128 features, a ResNet of three blocks whose stem halves the image, 10,000 images, 8 epochs, AdamW.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """625 steps of 128 images."""
    c = ConfigDict()
    c.data = dict(train="tfds:cifar10/train[:10000]", test="tfds:cifar10/test")
    c.batch = 128
    c.duration = "8 epochs"
    c.method = dict(name="directclr", dims=32, temperature=0.2)
    c.nets = dict(encoder=dict(name="resnet", depth=(1, 1, 1), base=32, stem="half"))
    c.views = presets.simclr(32, strength=0.5, blur=False, stats=presets.CIFAR10)
    c.optimizer = dict(name="adamw", weight_decay=1e-4)
    c.lr = dict(kind="cosine", peak=3e-3, warmup="1 epoch")
    return c
