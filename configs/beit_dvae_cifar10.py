"""BEiT on CIFAR-10 with the codes of a discrete VAE, small: two runs of minutes on two CPU cores.

    ssl-jax train --config=dvae_cifar10 --workdir=T --config.data.dir=DIR
    ssl-jax train --config=beit_dvae_cifar10 --config.start.tokenizer=T --workdir=W --config.data.dir=DIR

Origin and changes as in `beit_cifar10`, but for the tokenizer: the encoder of `dvae_cifar10`, 256 codes of 8 x 8
places, which sees the same crop. For another run write its encoder as nets.tokenizer, and its codes as the classifier's
`out`.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import beit_cifar10


def get_config() -> ConfigDict:
    """781 steps of 128 images."""
    c = beit_cifar10.get_config()
    c.start = dict(tokenizer="")
    c.nets.tokenizer = dict(name="dvae_encoder", codes=256, width=32, groups=3, blocks=1)
    return c
