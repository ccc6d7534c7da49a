"""Residual networks for series of sensors [b, t, c]: those of `resnet.py` with convolutions along time alone."""

from functools import partial

import jax
import jax.numpy as jnp
from flax import linen as nn

from ssl_jax.checks import ranges
from ssl_jax.nets.norm import BatchNorm
from ssl_jax.nets.options import MOST, compute_dtype, parameter_dtype
from ssl_jax.nets.pure import pure
from ssl_jax.nets.resnet import BASIC, Block, staged, stages
from ssl_jax.types import Array, Net


def series_resnet(
    *,
    depth: int | tuple[int, ...] = 18,
    base: int = 64,
    kernel: int = 7,
    stride: int = 2,
    groups: int = 1,
    zero_init: bool = True,
    dtype: str = "float32",
    remat: bool = False,
) -> Net:
    """A ResNet of basic blocks (arXiv:1512.03385, table 1; for series arXiv:1611.06455) for [b, t, c], any t and c.

    depth: 10, 18, 34, or the number of blocks in each stage; each stage but the first halves time and doubles channels.
    base: channels of the stem and of the first stage. kernel: an odd number of readings that the stem sees; stride: of
    the stem. The rest as in `resnet`. Parameters are called as there; kernels are [k, in, out].

    apply gives {"pool": [b, d], "tokens": [b, l, d]}, at least float32: the mean over time, and the last map. Raises
    ValueError for an unknown depth, an even kernel, and (apply) for other than three axes.
    """
    blocks = stages(depth, BASIC)
    ranges.above_zero(base=base, groups=groups, kernel=kernel, stride=stride)
    ranges.at_most(MOST, base=base, groups=groups, kernel=kernel, stride=stride)
    if kernel % 2 == 0:
        raise ValueError(f"kernel is {kernel}; it must be an odd number of readings")
    return pure(SeriesResNet(blocks, base, kernel, stride, groups, zero_init, compute_dtype(dtype), remat))


class SeriesConv(nn.Module):
    """A convolution along time without bias, k // 2 zeros on both sides, Kaiming-normal by fan-out."""

    features: int
    size: int
    stride: int
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: Array) -> Array:
        kaiming = nn.initializers.variance_scaling(2.0, "fan_out", "normal")
        shape = (self.size, x.shape[-1], self.features)
        kernel = self.param("kernel", kaiming, shape, parameter_dtype(self.dtype)).astype(self.dtype)
        sides, numbers = [(self.size // 2,) * 2], ("NHC", "HIO", "NHC")
        return jax.lax.conv_general_dilated(x, kernel, (self.stride,), sides, dimension_numbers=numbers)


class SeriesResNet(nn.Module):
    """Stem, stages, mean."""

    blocks: tuple[int, ...]
    base: int
    kernel: int
    stride: int
    groups: int
    zero_init: bool
    dtype: jnp.dtype
    remat: bool

    @nn.compact
    def __call__(self, x: Array, *, train: bool) -> dict:
        if x.ndim != 3:
            raise ValueError(f"a network for series takes [b, t, c], not {list(x.shape)}; images have other encoders")
        conv = partial(SeriesConv, dtype=self.dtype)
        norm = partial(BatchNorm, train=train, groups=self.groups, dtype=self.dtype)
        block = nn.remat(Block) if self.remat else Block
        block = partial(block, bottleneck=False, zero_init=self.zero_init, conv=conv, norm=norm)
        x = conv(self.base, self.kernel, self.stride, name="stem_conv")(x.astype(self.dtype))
        x = nn.relu(norm(name="stem_norm")(x))
        found = staged(x, self.blocks, self.base, lambda stage: block)
        return {"pool": found["pool"], "tokens": found["maps"][f"stage{len(self.blocks)}"]}
