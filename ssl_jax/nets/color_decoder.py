"""A decoder that names a class at each place of a map: colorization's."""

import jax.numpy as jnp
from flax import linen as nn

from ssl_jax.checks import ranges
from ssl_jax.nets.conv import Conv
from ssl_jax.nets.norm import BatchNorm
from ssl_jax.nets.options import MOST, TORCH, at_least_float32, compute_dtype, parameter_dtype
from ssl_jax.nets.pure import pure
from ssl_jax.types import Array, Net


def color_decoder(
    *, out: int, widths: tuple[int, ...] = (512, 256, 256), groups: int = 1, dtype: str = "float32"
) -> Net:
    """A map [n, h, w, c] -> logits [n, H, W, out], where each of the widths has doubled the sides.

    A doubling repeats each place, followed by a 3x3 convolution, batch norm and ReLU; a linear layer comes last. The
    default brings the last map of a ResNet, a 32nd of the image, to a fourth of it. groups: of batch norm.
    """
    named = {f"width {i}": width for i, width in enumerate(widths, 1)}
    ranges.above_zero(out=out, groups=groups, **named)
    ranges.at_most(MOST, out=out, groups=groups, **named)
    return pure(ColorDecoder(tuple(widths), out, groups, compute_dtype(dtype)))


class ColorDecoder(nn.Module):
    """See `color_decoder`."""

    widths: tuple[int, ...]
    out: int
    groups: int
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: Array, *, train: bool) -> Array:
        x = x.astype(self.dtype)
        for i, width in enumerate(self.widths, 1):
            x = Conv(width, 3, 1, self.dtype, name=f"conv{i}")(x.repeat(2, 1).repeat(2, 2))
            x = nn.relu(BatchNorm(train, self.groups, dtype=self.dtype, name=f"norm{i}")(x))
        kept = parameter_dtype(self.dtype)
        last = nn.Dense(self.out, kernel_init=TORCH, dtype=self.dtype, param_dtype=kept, name="out")
        return at_least_float32(last(x))
