"""The exact GELU."""

import jax

from ssl_jax.types import Array


def gelu(x: Array) -> Array:
    """x Phi(x) (arXiv:1606.08415) by the error function, as torch; jax.nn's default is the tanh approximation."""
    return jax.nn.gelu(x, approximate=False)
