"""A discrete VAE on CIFAR-10, small: a tokenizer of 256 codes in minutes on two CPU cores.

    ssl-jax train --config=dvae_cifar10 --workdir=W --config.data.dir=DIR

Origin: none is published at this size. Blocks, first weights, relaxed draws whose temperature falls from 1 to 1/16, a
weight of the codes' divergence that rises from 0: DALL-E's (arXiv:2102.12092, section 2.1, appendix A.2).
Changed: groups of one block of 32, 64 and 128 channels, so that 32 pixels are 8 x 8 places; squared error of
normalized pixels in place of a logit-Laplace likelihood, with a weight of up to 1; the temperature falls over the
whole run; 10,000 images, 10 epochs, 1e-3. `error` begins near 0.8, the variance of the crops; exp of `codes/entropy`
codes are in use.
"""

from ml_collections import ConfigDict

from ssl_jax.configs import presets


def get_config() -> ConfigDict:
    """781 steps of 128 images."""
    c = ConfigDict()
    c.data = dict(train="tfds:cifar10/train[:10000]", test="tfds:cifar10/test")
    c.batch = 128
    c.duration = "10 epochs"
    c.method = dict(
        name="dvae",
        temperature=dict(kind="cosine", start=1.0, end=0.0625),
        kl_weight=dict(kind="linear", start=0.0, end=1.0),
    )
    c.nets = dict(
        encoder=dict(name="dvae_encoder", codes=256, width=32, groups=3, blocks=1),
        decoder=dict(name="dvae_decoder", start=64, width=32, groups=3, blocks=1),
    )
    c.views = presets.mae(32, stats=presets.CIFAR10)
    c.optimizer = dict(name="adamw", weight_decay=1e-4)
    c.lr = dict(kind="cosine", peak=1e-3, warmup="5 %")
    c.evaluation = dict(final="all,reconstruction")
    return c
