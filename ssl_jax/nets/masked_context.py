"""What is known of a grid of places row after row: CPC's context."""

import jax
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
            y = nn.relu(self._linear(self.hidden, f"conv{i}_1")(x))
            y = self._linear(self.hidden, f"conv{i}_2")(_beside(y, axis=2, around=(1, 1)))
            y = nn.relu(self._linear(self.hidden, f"conv{i}_3")(_beside(y, axis=1, around=(1, 0))))
            x = x + self._linear(x.shape[-1], f"conv{i}_4")(y)
        return at_least_float32(nn.relu(x))

    def _linear(self, features: int, name: str) -> nn.Module:
        return nn.Dense(features, dtype=self.dtype, param_dtype=parameter_dtype(self.dtype), name=name)


def _beside(x: Array, *, axis: int, around: tuple[int, int]) -> Array:
    """[b, r, c, d] -> [b, r, c, n d]: each place with `around` places before and after it, zeros beyond the border.

    Of these a linear layer makes a convolution; XLA's own of so few places is slow on a CPU.
    """
    size, widths = x.shape[axis], [(0, 0)] * x.ndim
    widths[axis] = around
    padded = jnp.pad(x, widths)
    parts = [jax.lax.slice_in_dim(padded, i, i + size, axis=axis) for i in range(sum(around) + 1)]
    return jnp.concatenate(parts, -1)
