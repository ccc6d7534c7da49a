"""Eight codes of 8 x 8 places."""

import jax.numpy as jnp

from ssl_jax.methods.dvae import dvae
from ssl_jax.nets import dvae as nets_of
from ssl_jax.types import Method
from tests.laws.methods.beit import changed

GROUPS = {"global": (1, 16)}
NO_CONTROL = "pixels are its target: a constant prediction is no small loss"


def nets(dtype: str) -> dict:
    sizes = dict(width=4, groups=2, blocks=1, dtype=dtype)
    return {"encoder": nets_of.dvae_encoder(codes=8, **sizes), "decoder": nets_of.dvae_decoder(start=8, **sizes)}


def learns(examples: int) -> Method:
    sizes = dict(width=16, groups=3, blocks=1)
    nets = nets_of.dvae_encoder(codes=64, **sizes), nets_of.dvae_decoder(channels=1, start=32, **sizes)
    made = dvae(*nets, temperature=lambda step: jnp.float32(0.9), kl_weight=lambda step: jnp.float32(0.0))
    return changed(made, lambda images: images)
