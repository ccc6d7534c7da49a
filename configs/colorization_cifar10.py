"""Colorization on CIFAR-10, small: learns in minutes on two CPU cores.

    ssl-jax train --config=colorization_cifar10 --workdir=W --config.data.dir=DIR

Origin: none is published for CIFAR-10; the released code's loss (arXiv:1603.08511) with Adam at its usual rate.
Changed: bins of 20, of which there are 76; 10,000 images, 16 epochs, a ResNet of three blocks whose stem halves the
image, colors at every fourth pixel, 8 x 8 of them.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """1250 steps of 128 images."""
    c = ConfigDict()
    c.data = dict(train="tfds:cifar10/train[:10000]", test="tfds:cifar10/test")
    c.batch = 128
    c.duration = "16 epochs"
    c.method = dict(name="colorization", bin_size=20, sigma=10.0)
    c.nets = dict(
        encoder=dict(name="lightness_resnet", depth=(1, 1, 1), base=32, stem="half"),
        decoder=dict(name="color_decoder", widths=(64,), out=76),
    )
    c.views = presets.mae(32, scale=(0.6, 1.0), stats=presets.HALF)
    c.clean = presets.evaluate(32, resize=32, stats=presets.HALF)
    c.optimizer = dict(name="adamw", weight_decay=1e-4)
    c.lr = dict(kind="cosine", peak=1e-3, warmup="1 epoch")
    return c
