"""What is known of a grid of places row after row: CPC's context."""

import jax.numpy as jnp
from flax import linen as nn

from ssl_jax.checks import ranges
from ssl_jax.nets.options import LAYERS, MOST, at_least_float32, compute_dtype, parameter_dtype
from ssl_jax.nets.pure import pure
from ssl_jax.types import Array, Net


def masked_context(*, layers: int = 5, hidden: int = 256, dtype: str = "float32") -> Net:
    """CPC v2's masked convolutions (arXiv:1905.09272, appendix): [b, r, c, d] -> the same, at least float32.

    Row i of the output depends on the rows 0..i alone; a layer looks one row up and one column to each side. Each of
    `layers` residual blocks is 1x1 and ReLU, 1x3, 2x1 below a row of zeros and ReLU, of `hidden` channels each, and 1x1
    back to d; a ReLU comes last.
    """
    ranges.above_zero(layers=layers, hidden=hidden)
    ranges.at_most(LAYERS, layers=layers)
    ranges.at_most(MOST, hidden=hidden)
    return pure(MaskedContext(layers, hidden, compute_dtype(dtype)))


class MaskedContext(nn.Module):
    """See `masked_context`."""

    layers: int
    hidden: int
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: Array, *, train: bool) -> Array:
        x = x.astype(self.dtype)
        for i in range(1, self.layers + 1):
            y = nn.relu(self._conv(self.hidden, (1, 1), f"conv{i}_1")(x))
            y = self._conv(self.hidden, (1, 3), f"conv{i}_2")(jnp.pad(y, ((0, 0), (0, 0), (1, 1), (0, 0))))
            y = nn.relu(self._conv(self.hidden, (2, 1), f"conv{i}_3")(jnp.pad(y, ((0, 0), (1, 0), (0, 0), (0, 0)))))
            x = x + self._conv(x.shape[-1], (1, 1), f"conv{i}_4")(y)
        return at_least_float32(nn.relu(x))

    def _conv(self, features: int, size: tuple[int, int], name: str) -> nn.Module:
        kept = parameter_dtype(self.dtype)
        return nn.Conv(features, size, padding="VALID", dtype=self.dtype, param_dtype=kept, name=name)
