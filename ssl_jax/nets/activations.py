"""The exact GELU and its quick likeness."""

import jax
import numpy as np

from ssl_jax.nets.options import remade
from ssl_jax.types import Array


@remade
def gelu(x: Array) -> Array:
    """x Phi(x) (arXiv:1606.08415) by the error function, as torch writes it.

    jax.nn's exact form takes the complementary function, which keeps the digits of values below 1e-6 and costs a CPU
    two to three times as much; its default is the tanh approximation.
    """
    return x * (0.5 + 0.5 * jax.lax.erf(x * np.sqrt(0.5).astype(x.dtype)))


@remade
def quick_gelu(x: Array) -> Array:
    """x sigmoid(1.702 x) (arXiv:1606.08415, section 2), which OpenAI's CLIP was trained with."""
    return x * jax.nn.sigmoid(1.702 * x)


GELUS = {"gelu": gelu, "quick_gelu": quick_gelu}
