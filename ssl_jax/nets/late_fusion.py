"""A head that joins what is known of several pieces of an image late: jigsaw puzzles, relative positions."""

import jax.numpy as jnp
from flax import linen as nn

from ssl_jax.checks import ranges
from ssl_jax.nets.norm import BatchNorm
from ssl_jax.nets.options import MOST, TORCH, at_least_float32, compute_dtype, parameter_dtype
from ssl_jax.nets.pure import pure
from ssl_jax.types import Array, Net


def late_fusion(
    *,
    out: int,
    piece: tuple[int, ...] = (1000,),
    whole: tuple[int, ...] = (),
    groups: int = 1,
    dtype: str = "float32",
) -> Net:
    """[n, p, d] -> [n, out]: layers of each piece alone, the same for all, then layers of all side by side, in order.

    piece, whole: widths of linear layers with batch norm and ReLU; one more linear layer, with a bias, follows. VISSL's
    head of a jigsaw is piece=(1000,), MMSelfSup's of relative positions piece=(), whole=(4096,), and with AlexNet's
    towers in the paper piece=(4096,), whole=(4096, 4096) (arXiv:1505.05192, figure 3). groups: of batch norm.
    """
    parts = {"piece": piece, "whole": whole}
    widths = {f"{name} {i}": width for name, part in parts.items() for i, width in enumerate(part, 1)}
    ranges.above_zero(out=out, groups=groups, **widths)
    ranges.at_most(MOST, out=out, groups=groups, **widths)
    return pure(LateFusion(tuple(piece), tuple(whole), out, groups, compute_dtype(dtype)))


class LateFusion(nn.Module):
    """See `late_fusion`."""

    piece: tuple[int, ...]
    whole: tuple[int, ...]
    out: int
    groups: int
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: Array, *, train: bool) -> Array:
        rows = x.reshape(-1, x.shape[-1])
        for i, width in enumerate(self.piece, 1):
            rows = self._layer(rows, width, f"piece{i}", train)
        rows = rows.reshape(len(x), -1)
        for i, width in enumerate(self.whole, 1):
            rows = self._layer(rows, width, f"whole{i}", train)
        return at_least_float32(self._linear(self.out, "out", bias=True)(rows))

    def _layer(self, x: Array, width: int, name: str, train: bool) -> Array:
        y = self._linear(width, name, bias=False)(x)
        return nn.relu(BatchNorm(train, self.groups, dtype=self.dtype, name=f"{name}_norm")(y))

    def _linear(self, width: int, name: str, *, bias: bool) -> nn.Module:
        kept = parameter_dtype(self.dtype)
        return nn.Dense(width, use_bias=bias, kernel_init=TORCH, dtype=self.dtype, param_dtype=kept, name=name)
