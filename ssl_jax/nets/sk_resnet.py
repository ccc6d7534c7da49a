"""ResNets with selective kernels and the stem and shortcuts of ResNet-D: SimCLR v2's encoders.

Parameters: `stem/conv1`, `norm1`, ... `conv3`, `norm3`, then `stage1/block0/conv1`, `norm1`, `select/conv`, `norm`,
`squeeze`, `squeeze_norm`, `mix`, then `conv3`, `norm3` and, in each stage's first block, `shortcut_conv`,
`shortcut_norm`.
"""

from functools import partial

import jax
import jax.numpy as jnp
from flax import linen as nn

from ssl_jax.checks import ranges
from ssl_jax.nets.conv import Conv
from ssl_jax.nets.norm import BatchNorm
from ssl_jax.nets.options import MOST, at_least_float32, compute_dtype, one_of
from ssl_jax.nets.pure import pure
from ssl_jax.nets.resnet import BOTTLENECK, STEMS, Stem, max_pool, staged, stages
from ssl_jax.types import Array, Net


def sk_resnet(
    *,
    depth: int | tuple[int, ...] = 50,
    width: int = 1,
    stem: str = "imagenet",
    ratio: float = 1 / 16,
    groups: int = 1,
    zero_init: bool = True,
    dtype: str = "float32",
    base: int = 64,
    remat: bool = False,
) -> Net:
    """SimCLR v2's residual network (arXiv:2006.10029, section 2 and its code) for [b, h, w, c].

    `resnet` with bottlenecks alone, of which it has all options but these. Selective kernels (arXiv:1903.06586): the
    3x3 convolution has twice the channels, two candidates for each, and each image weighs them for itself by a softmax
    of two layers on the mean of their sums. ratio: width between these layers as a share of the block's, at least 32.
    ResNet-D (arXiv:1812.01187, figure 2): three 3x3 convolutions in place of the 7x7 one of stem "imagenet", and a mean
    over 2x2 pixels before each shortcut's convolution, which has no stride; in the first stage too, where the means
    overlap, as in the code. depth: 50, 101, 152, 200, or the number of bottlenecks in each stage.

    apply gives what `resnet` does. Raises ValueError for an unknown depth or stem.
    """
    one_of("stem", stem, tuple(STEMS))
    ranges.above_zero(width=width, groups=groups, base=base, ratio=ratio)
    ranges.at_most(MOST, width=width, base=base, groups=groups)
    ranges.at_most(1, ratio=ratio)
    blocks, compute = stages(depth, BOTTLENECK), compute_dtype(dtype)
    return pure(SkResNet(blocks, base * width, stem, ratio, zero_init, groups, compute, remat))


def pooled(x: Array, stride: int) -> Array:
    """Means over 2x2 pixels [b, h, w, c]: of every second row and column (stride 2), the last of an odd number of them
    beside a zero, or of each (stride 1), the last ones over what there is. As SimCLR v2's code.
    """
    h, w = x.shape[1:3]
    x = jnp.pad(x, ((0, 0), (0, 1), (0, 1), (0, 0)), mode="constant" if stride == 2 else "edge")
    return sum(x[:, i : i + h : stride, j : j + w : stride] for i in (0, 1) for j in (0, 1)) / 4


class DeepStem(nn.Module):
    """ResNet-D's: three 3x3 convolutions, the first with stride 2 and the first two of half the channels; max-pool."""

    base: int
    conv: partial
    norm: partial

    @nn.compact
    def __call__(self, x: Array) -> Array:
        for i, (features, stride) in enumerate(((self.base // 2, 2), (self.base // 2, 1), (self.base, 1)), 1):
            x = nn.relu(self.norm(name=f"norm{i}")(self.conv(features, 3, stride, name=f"conv{i}")(x)))
        return max_pool(x)


class SelectiveKernel(nn.Module):
    """Of two candidates of a 3x3 convolution for each channel a weighted mean, by weights that each image has."""

    features: int
    stride: int
    ratio: float
    conv: partial
    norm: partial

    @nn.compact
    def __call__(self, x: Array) -> Array:
        f = self.features
        y = nn.relu(self.norm(name="norm")(self.conv(2 * f, 3, self.stride, name="conv")(x)))
        y = y.reshape(*y.shape[:-1], 2, f)
        seen = at_least_float32(y).sum(-2).mean((1, 2), keepdims=True).astype(y.dtype)
        seen = self.conv(max(int(f * self.ratio), 32), 1, 1, name="squeeze")(seen)
        seen = self.conv(2 * f, 1, 1, name="mix")(nn.relu(self.norm(name="squeeze_norm")(seen)))
        weights = jax.nn.softmax(at_least_float32(seen).reshape(len(seen), 1, 1, 2, f), -2)
        return (y * weights.astype(y.dtype)).sum(-2)


class SkBlock(nn.Module):
    """A bottleneck with a selective kernel in its middle, and ResNet-D's shortcut where the shape changes."""

    features: int
    stride: int
    ratio: float
    zero_init: bool
    conv: partial
    norm: partial

    @nn.compact
    def __call__(self, x: Array) -> Array:
        f, last = self.features, nn.initializers.zeros if self.zero_init else nn.initializers.ones
        y = nn.relu(self.norm(name="norm1")(self.conv(f, 1, 1, name="conv1")(x)))
        y = SelectiveKernel(f, self.stride, self.ratio, self.conv, self.norm, name="select")(y)
        y = self.norm(scale_init=last, name="norm3")(self.conv(4 * f, 1, 1, name="conv3")(y))
        if x.shape != y.shape:
            x = self.conv(4 * f, 1, 1, name="shortcut_conv")(pooled(x, self.stride))
            x = self.norm(name="shortcut_norm")(x)
        return nn.relu(x + y)


class SkResNet(nn.Module):
    """Stem, stages, mean."""

    blocks: tuple[int, ...]
    base: int
    stem: str
    ratio: float
    zero_init: bool
    groups: int
    dtype: jnp.dtype
    remat: bool

    @nn.compact
    def __call__(self, x: Array, *, train: bool) -> dict:
        conv = partial(Conv, dtype=self.dtype)
        norm = partial(BatchNorm, train=train, groups=self.groups, dtype=self.dtype)
        plain = partial(Stem, shape=STEMS[self.stem], train=train)
        stem = (DeepStem if self.stem == "imagenet" else plain)(self.base, conv=conv, norm=norm, name="stem")
        block = nn.remat(SkBlock) if self.remat else SkBlock
        block = partial(block, ratio=self.ratio, zero_init=self.zero_init, conv=conv, norm=norm)
        return staged(stem(x.astype(self.dtype)), self.blocks, self.base, lambda stage: block)
