"""Scales and shifts of rows. Their gradients are sums over rows, for which a CPU takes a product with ones.

XLA's CPU compiler sums [b, l, d] in windows of 32 x 32, a few threads against the order of memory: up to ten times the
time of the product.
"""

import jax
import jax.numpy as jnp

from ssl_jax.nets.options import by_platform
from ssl_jax.types import Array


def total(x: Array) -> Array:
    """[n, d] -> [d], the sum of the rows."""
    return by_platform(lambda x: x.sum(0), lambda x: jnp.ones(len(x), x.dtype) @ x, x)


@jax.custom_vjp
def shifted(x: Array, bias: Array) -> Array:
    """[n, d] + [d]."""
    return x + bias[None]


@jax.custom_vjp
def scaled(x: Array, scale: Array) -> Array:
    """[n, d] times [d]."""
    return x * scale[None]


shifted.defvjp(lambda x, bias: (x + bias[None], None), lambda _, dy: (dy, total(dy)))
scaled.defvjp(lambda x, scale: (x * scale[None], (x, scale)), lambda at, dy: (dy * at[1][None], total(dy * at[0])))
