"""Residual networks for clips [b, t, h, w, c]: R(2+1)D, and the slow pathway of SlowFast.

Every convolution is one of each frame or one along time: three-dimensional ones are, on a CPU, five times as slow as
the two in turn. Blocks, stages and the parameters' names are those of `resnet.py`; within a convolution of R(2+1)D they
are `spatial`, `norm`, `temporal`.
"""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
from flax import linen as nn

from ssl_jax.checks import ranges
from ssl_jax.nets.conv import Conv
from ssl_jax.nets.norm import BatchNorm
from ssl_jax.nets.options import MOST, by_platform, clips_only, compute_dtype, one_of, parameter_dtype
from ssl_jax.nets.pure import pure
from ssl_jax.nets.resnet import BASIC, BOTTLENECK, STEMS, Block, Stem, staged, stages
from ssl_jax.types import Array, Net

R2PLUS1D_STEMS = {"kinetics": (7, 2, 45 / 64), "half": (3, 2, None), "full": (3, 1, None)}
"""Size and stride of the first convolution of a frame, and its width over `base`; None is the formula's."""
TAPS = 3
"""Frames that a convolution along time sees."""


def r2plus1d(
    *,
    depth: int | tuple[int, ...] = 18,
    stem: str = "kinetics",
    groups: int = 1,
    zero_init: bool = True,
    dtype: str = "float32",
    base: int = 64,
    remat: bool = False,
) -> Net:
    """R(2+1)D (arXiv:1711.11248, section 3.5) for [b, t, h, w, c] with any number of channels and frames.

    Each 3x3x3 convolution is a 3x3 one of each frame, batch norm, ReLU and one over 3 frames, between them
    the channels that keep the number of parameters (`midplanes`), anew for each convolution as in the paper;
    torchvision has the same number in both convolutions of a block. Each stage but the first halves time and sides.

    depth: 10, 18, 34, or the number of basic blocks in each stage. stem: "kinetics" (7x7 stride 2 to 45 channels for a
    base of 64, as released), "half" (3x3 stride 2) or "full" (3x3 stride 1), for small frames. The rest as in `resnet`.

    apply gives {"pool": [b, d], "maps": {"stage1": [b, t, h, w, c], ...}}, at least float32; pool is the mean over the
    last map. Raises ValueError for an unknown depth or stem, and (apply) for other than five axes.
    """
    one_of("stem", stem, tuple(R2PLUS1D_STEMS))
    options = dict(base=base, groups=groups, zero_init=zero_init, dtype=dtype, remat=remat)
    return _made(R2Plus1D, stages(depth, BASIC), False, R2PLUS1D_STEMS[stem], **options)


def slow(
    *,
    depth: int = 50,
    groups: int = 1,
    zero_init: bool = True,
    dtype: str = "float32",
    base: int = 64,
    remat: bool = False,
) -> Net:
    """The slow pathway of SlowFast alone, "Slow-only" (arXiv:1812.03982, table 1), for [b, t, h, w, c].

    A ResNet of bottlenecks, frame by frame, but that the first convolution of each block of stages 3 and 4 sees 3
    frames; time is never shortened. depth: 50, 101, 152 or 200. The rest, and the result, as in `r2plus1d`.
    """
    options = dict(base=base, groups=groups, zero_init=zero_init, dtype=dtype, remat=remat)
    return _made(Slow, stages(depth, BOTTLENECK), True, STEMS["imagenet"], **options)


def midplanes(channels: int, features: int, *, size: int = 3, taps: int = TAPS) -> int:
    """Channels between the two halves: those with which both have the parameters of the convolution that they replace.

    M = floor(t d^2 N' N / (d^2 N' + t N)) for N' channels in and N out (arXiv:1711.11248, section 3.5), at least 1.
    """
    return max(1, taps * size**2 * channels * features // (size**2 * channels + taps * features))


def along_time(x: Array, kernel: Array, stride: int) -> Array:
    """[b, t, h, w, c] with [k, c, o]; k // 2 frames of zeros on both sides."""
    b, t, h, w, c = x.shape
    sides = [(kernel.shape[0] // 2,) * 2, (0, 0)]
    numbers = ("NHWC", "HWIO", "NHWC")
    y = jax.lax.conv_general_dilated(
        x.reshape(b, t, h * w, c), kernel[:, None], (stride, 1), sides, dimension_numbers=numbers
    )
    return y.reshape(b, -1, h, w, kernel.shape[-1])


def along_time_by_products(x: Array, kernel: Array, stride: int) -> Array:
    """The values of `along_time`, as a sum of a product for each tap: on a CPU many times as fast, gradients too."""
    taps = kernel.shape[0]
    frames = -(-x.shape[1] // stride)
    padded = jnp.pad(x, ((0, 0), (taps // 2, taps // 2), (0, 0), (0, 0), (0, 0)))
    parts = (padded[:, i : i + (frames - 1) * stride + 1 : stride] @ kernel[i] for i in range(taps))
    return sum(parts)


def _time_forward(x: Array, kernel: Array, stride: int) -> tuple[Array, tuple[Array, Array]]:
    forms = (partial(form, stride=stride) for form in (along_time, along_time_by_products))
    return by_platform(*forms, x, kernel), (x, kernel)


def _time_backward(stride: int, residuals: tuple[Array, Array], dy: Array) -> tuple[Array, Array]:
    def gradients(form):
        return lambda x, kernel, dy: jax.vjp(partial(form, stride=stride), x, kernel)[1](dy)

    return by_platform(gradients(along_time), gradients(along_time_by_products), *residuals, dy)


convolve_time = jax.custom_vjp(lambda x, kernel, stride: _time_forward(x, kernel, stride)[0], nondiff_argnums=(2,))
convolve_time.defvjp(_time_forward, _time_backward)


class TimeConv(nn.Module):
    """A convolution along time without bias, Kaiming-normal by fan-out. One parameter, `kernel` [k, in, out]."""

    features: int
    stride: int
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: Array) -> Array:
        kaiming = nn.initializers.variance_scaling(2.0, "fan_out", "normal")
        shape = (TAPS, x.shape[-1], self.features)
        kernel = self.param("kernel", kaiming, shape, parameter_dtype(self.dtype)).astype(self.dtype)
        return convolve_time(x, kernel, self.stride)


def framewise(module: Callable, x: Array) -> Array:
    """A module of images [n, h, w, c] on every frame of [b, t, h, w, c]."""
    y = module(x.reshape(-1, *x.shape[2:]))
    return y.reshape(*x.shape[:2], *y.shape[1:])


class FactorizedConv(nn.Module):
    """A convolution of each frame, norm, ReLU, one along time; of size 1, the former alone, with a stride in time too.

    channels: between the two; None for `midplanes`. time_stride: None for `stride`.
    """

    features: int
    size: int
    stride: int
    norm: partial
    dtype: jnp.dtype
    channels: int | None = None
    time_stride: int | None = None

    @nn.compact
    def __call__(self, x: Array) -> Array:
        conv = partial(Conv, size=self.size, stride=self.stride, dtype=self.dtype, name="spatial")
        time_stride = self.time_stride or self.stride
        if self.size == 1:
            return framewise(conv(self.features), x[:, ::time_stride])
        between = self.channels or midplanes(x.shape[-1], self.features, size=self.size)
        x = nn.relu(self.norm(name="norm")(framewise(conv(between), x)))
        return TimeConv(self.features, time_stride, self.dtype, name="temporal")(x)


class VideoResNet(nn.Module):
    """Stem, stages that double the channels and halve the frames' sides, mean. What a stem and a convolution are is
    said by the networks that inherit from it."""

    blocks: tuple[int, ...]
    bottleneck: bool
    stem: tuple
    base: int
    zero_init: bool
    groups: int
    dtype: jnp.dtype
    remat: bool

    @nn.compact
    def __call__(self, x: Array, *, train: bool) -> dict:
        clips_only(x)
        norm = partial(BatchNorm, train=train, groups=self.groups, dtype=self.dtype)
        block = nn.remat(Block) if self.remat else Block
        block = partial(block, bottleneck=self.bottleneck, zero_init=self.zero_init, norm=norm)
        x = self.first(x.astype(self.dtype), norm, train)
        return staged(x, self.blocks, self.base, lambda stage: partial(block, conv=self.conv(stage, norm)))


class R2Plus1D(VideoResNet):
    """All convolutions factorized, of the stem too, which keeps all frames."""

    def first(self, x: Array, norm: partial, train: bool) -> Array:
        size, stride, share = self.stem
        between = None if share is None else max(1, round(self.base * share))
        conv = FactorizedConv(self.base, size, stride, norm, self.dtype, between, 1, name="stem_conv")
        return nn.relu(norm(name="stem_norm")(conv(x)))

    def conv(self, stage: int, norm: partial) -> Callable:
        return partial(FactorizedConv, norm=norm, dtype=self.dtype)


class Slow(VideoResNet):
    """Frame by frame, and along time in the first convolutions of late blocks."""

    def first(self, x: Array, norm: partial, train: bool) -> Array:
        return framewise(Stem(self.base, self.stem, partial(Conv, dtype=self.dtype), norm, train, name="stem"), x)

    def conv(self, stage: int, norm: partial) -> Callable:
        def conv(features: int, size: int, stride: int, name: str) -> Callable:
            if stage >= 3 and name == "conv1":
                return TimeConv(features, 1, self.dtype, name=name)
            return partial(framewise, Conv(features, size, stride, self.dtype, name=name))

        return conv


def _made(network: type, blocks: tuple[int, ...], bottleneck: bool, stem: tuple, *, dtype: str, **options) -> Net:
    ranges.above_zero(groups=options["groups"], base=options["base"])
    ranges.at_most(MOST, groups=options["groups"], base=options["base"])
    return pure(network(blocks=blocks, bottleneck=bottleneck, stem=stem, dtype=compute_dtype(dtype), **options))
