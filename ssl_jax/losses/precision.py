"""Numbers wide enough for a loss: at least float32, and products that a TPU does not round to bfloat16."""

import jax
import jax.numpy as jnp
import numpy as np

Array = jax.Array


def wide(dtype: np.dtype) -> np.dtype:
    """The dtype itself, or float32 where it has less; by numpy's rules, as jax's refuse under strict promotion."""
    return np.promote_types(dtype, np.float32)


def widen(x: Array) -> Array:
    """x of any shape in at least float32; float64 stays float64."""
    return x.astype(wide(x.dtype))


def matmul(a: Array, b: Array) -> Array:
    """a [..., n, d] @ b [..., d, m] in full precision.

    A TPU multiplies bfloat16 by default; a similarity divided by a temperature of 0.05 cannot bear that.
    """
    return jnp.matmul(a, b, precision="highest")
