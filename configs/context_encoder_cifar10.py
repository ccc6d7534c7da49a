"""Context encoder on CIFAR-10, small: fills holes in minutes on two CPU cores.

    ssl-jax train --config=context_encoder_cifar10 --workdir=W --config.data.dir=DIR

Origin: the official recipe of arXiv:1604.07379 for images of 128 pixels, see `context_encoder_imagenet`.
Changed: images of 32 pixels, of which the middle 16 are predicted, with a band of 2; narrower networks of three layers;
half the generator's rate at a batch of 128; nearest neighbors and a convolution in the place of transposed
convolutions; shifts by up to 2 pixels and flips; 10,000 images, 10 epochs. The squared error alone:
--config.method.weight=1.0
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """781 steps of 128 images."""
    c = ConfigDict()
    c.data = dict(train="tfds:cifar10/train[:10000]", test="tfds:cifar10/test")
    c.batch = 128
    c.duration = "10 epochs"
    c.method = dict(name="context_encoder", size=16, band=2, weight=0.999)
    c.nets = dict(
        encoder=dict(name="conv_encoder", widths=(32, 64, 128)),
        bottleneck=dict(name="bottleneck", out=128),
        decoder=dict(name="conv_decoder", size=16, widths=(64, 32)),
        discriminator=dict(name="conv_discriminator", widths=(32, 64)),
    )
    c.views = presets.rotation(32, padding=2)
    c.optimizer = dict(name="adamw", b1=0.5, weight_decay=0.0, groups=(dict(match="^discriminator/", lr=2e-4),))
    c.lr = 1e-3
    return c
