"""AMDIM on CIFAR-10, small: learns in minutes on two CPU cores.

    ssl-jax train --config=amdim_cifar10 --workdir=W --config.data.dir=DIR

Origin: the official code's for CIFAR-10: Adam at 2e-4, betas 0.8 and 0.999, decay 1e-5, batches of 200, a warm-up of
500 steps, 300 epochs of 50,000 images.
Changed: 10,000 images, 8 epochs in batches of 128; a width of 32 and one layer a stage in place of 128 to 320 and 3 to
10, embeddings of 128 in place of 1024 or more; a rate of 1e-3 that falls in a cosine.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """625 steps of 128 images."""
    c = ConfigDict()
    c.data = dict(train="tfds:cifar10/train[:10000]", test="tfds:cifar10/test")
    c.batch = 128
    c.duration = "8 epochs"
    c.method = dict(name="amdim")
    c.nets = dict(encoder=dict(name="unpadded_resnet", size=32, base=32, depth=1, out=128))
    c.views = presets.amdim_cifar()
    c.optimizer = dict(name="adamw", b1=0.8, weight_decay=1e-5)
    c.lr = dict(kind="cosine", peak=1e-3, warmup="1 epoch")
    return c
