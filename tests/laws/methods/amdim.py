"""Views of 32 pixels, the smallest that its network takes."""

import jax.numpy as jnp

from ssl_jax.methods.amdim import amdim
from ssl_jax.nets import unpadded_resnet
from ssl_jax.types import Method, Net

GROUPS = {"global": (2, 32)}
NO_CONTROL = "its guard is SimCLR's, the other rows of the batch, which has its control; tests/losses have its chance"


def nets(dtype: str) -> dict:
    options = dict(size=32, base=2, depth=1, out=8, batch_norm=True, zero_init=False)
    return {"encoder": unpadded_resnet.unpadded_resnet(**options, dtype=dtype)}


def learns(examples: int) -> Method:
    """Images of 28 pixels, and two on each side."""
    small = unpadded_resnet.unpadded_resnet(size=32, base=8, depth=1, out=64)

    def padded(x):
        return jnp.pad(x, ((0, 0), (2, 2), (2, 2), (0, 0)))

    def apply(params, stats, x, **options):
        return small.apply(params, stats, padded(x), **options)

    return amdim(Net(lambda key, x: small.init(key, padded(x)), apply))
