"""From a code to an image: a linear layer, then convolutions that double the sides.

Parameters: `linear`, `norm0`, `conv1`, `norm1`, ..., `last`. Weights start as torch's do.
"""

from functools import partial

import jax.numpy as jnp
from flax import linen as nn

from ssl_jax.checks import ranges
from ssl_jax.nets.conv import Conv, convolve
from ssl_jax.nets.norm import BatchNorm
from ssl_jax.nets.options import MOST, TORCH, at_least_float32, compute_dtype, one_of, parameter_dtype
from ssl_jax.nets.pure import pure
from ssl_jax.types import Array, Net

OUTPUTS = {"linear": lambda x: x, "tanh": jnp.tanh}
UPSAMPLING = ("resize", "transposed")


def conv_decoder(
    *,
    size: int,
    channels: int = 3,
    widths: tuple[int, ...] = (128, 64, 32),
    upsampling: str = "resize",
    output: str = "linear",
    norm: str = "batch",
    groups: int = 1,
    dtype: str = "float32",
) -> Net:
    """Codes [b, k] -> images [b, size, size, channels], at least float32.

    widths: channels from the smallest map on, whose side is size / 2^(their number). upsampling: "resize", nearest
    neighbors and a convolution of 3x3, which leaves no checkerboard; or "transposed", one of 4x4 and stride 2, as in
    DCGAN (arXiv:1511.06434). output: "linear", or "tanh" for images in -1..1. norm: "batch" or "none".
    Raises ValueError for unknown names or a size that the doublings do not reach.
    """
    one_of("upsampling", upsampling, UPSAMPLING)
    one_of("output", output, tuple(OUTPUTS))
    one_of("norm", norm, ("batch", "none"))
    ranges.above_zero(size=size, channels=channels, groups=groups, **{f"width {i}": w for i, w in enumerate(widths, 1)})
    ranges.at_most(MOST, size=size, channels=channels, **{f"width {i}": w for i, w in enumerate(widths, 1)})
    if not widths or size % 2 ** len(widths):
        raise ValueError(
            f"size is {size} and {len(widths)} widths double it as often: give a multiple of {2 ** len(widths)}"
        )
    return pure(
        Decoder(size, channels, tuple(widths), upsampling, output, norm == "batch", groups, compute_dtype(dtype))
    )


def transposed(x: Array, kernel: Array) -> Array:
    """The transposed convolution of [b, h, w, c] with [4, 4, c, o], stride 2, one pixel of padding: [b, 2 h, 2 w, o].

    As a plain convolution to the four pixels that each becomes, of 3x3 of which 2x2 are not 0: of the transposed one
    XLA's gradient by the kernel is made by every device for the whole batch.
    """

    def apart(k: Array, axis: int) -> Array:
        """The kernels [2, ..., 3, ...] of even and odd pixels along an axis: which of its taps meet which neighbor."""
        first, second, third, fourth = jnp.split(k, 4, axis)
        nothing = jnp.zeros_like(first)
        return jnp.stack([jnp.concatenate(taps, axis) for taps in ((fourth, second, nothing), (nothing, third, first))])

    whole = apart(apart(kernel, 1), 1)  # [2 rows, 2 columns, 3, 3, c, o]
    (b, h, w, c), o = x.shape, kernel.shape[-1]
    y = convolve(x, jnp.moveaxis(whole, (0, 1), (3, 4)).reshape(3, 3, c, 4 * o), 1)
    return y.reshape(b, h, w, 2, 2, o).transpose(0, 1, 3, 2, 4, 5).reshape(b, 2 * h, 2 * w, o)


class Transposed(nn.Module):
    """See `transposed`; one parameter, `kernel` [4, 4, in, out]."""

    features: int
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: Array) -> Array:
        kernel = self.param("kernel", TORCH, (4, 4, x.shape[-1], self.features), parameter_dtype(self.dtype))
        return transposed(x, kernel.astype(self.dtype))


class Decoder(nn.Module):
    """See `conv_decoder`."""

    size: int
    channels: int
    widths: tuple[int, ...]
    upsampling: str
    output: str
    norm: bool
    groups: int
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: Array, *, train: bool) -> Array:
        first, *others = self.widths
        side, normed = self.size // 2 ** len(self.widths), self.norm
        layer = partial(nn.Dense, kernel_init=TORCH, dtype=self.dtype, param_dtype=parameter_dtype(self.dtype))
        x = layer(side * side * first, use_bias=not normed, name="linear")(x.astype(self.dtype))
        x = self._activated(x.reshape(-1, side, side, first), train, 0)
        for i, width in enumerate(others, 1):
            x = self._activated(self._doubled(x, width, not normed, f"conv{i}"), train, i)
        return at_least_float32(OUTPUTS[self.output](self._doubled(x, self.channels, True, "last")))

    def _activated(self, x: Array, train: bool, i: int) -> Array:
        return nn.relu(BatchNorm(train, self.groups, dtype=self.dtype, name=f"norm{i}")(x) if self.norm else x)

    def _doubled(self, x: Array, width: int, bias: bool, name: str) -> Array:
        kept = parameter_dtype(self.dtype)
        if self.upsampling == "transposed":
            x = Transposed(width, self.dtype, name=name)(x)
        else:
            x = Conv(width, 3, 1, self.dtype, TORCH, name=name)(jnp.repeat(jnp.repeat(x, 2, 1), 2, 2))
        if not bias:
            return x
        return x + self.param(f"{name}_bias", nn.initializers.zeros, (width,), kept).astype(self.dtype)
