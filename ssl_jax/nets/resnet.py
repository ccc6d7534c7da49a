"""Residual networks with torchvision's topology, so that weights map name by name.

Parameters: `stem/conv`, `stem/norm`, then `stage1/block0/conv1`, `norm1`, `conv2`, ... and `shortcut_conv`,
`shortcut_norm` where the block changes shape. torchvision: conv1, bn1, layer1.0.conv1, bn1, ..., downsample.0, .1.
"""

from collections.abc import Callable
from functools import partial

import jax.numpy as jnp
from flax import linen as nn

from ssl_jax.checks import ranges, spelling
from ssl_jax.nets.conv import KERNELS, Conv
from ssl_jax.nets.norm import BatchNorm
from ssl_jax.nets.options import MOST, at_least_float32, compute_dtype, one_of
from ssl_jax.nets.pure import pure
from ssl_jax.types import Array, Net

BASIC = {10: (1, 1, 1, 1), 18: (2, 2, 2, 2), 34: (3, 4, 6, 3)}
STEMS = {"imagenet": (7, 2, True), "cifar": (3, 1, False), "half": (3, 2, False)}
"""Size and stride of the first convolution, and whether a max-pool follows."""
BOTTLENECK = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3), 200: (3, 24, 36, 3)}


def resnet(
    *,
    depth: int | tuple[int, ...] = 50,
    width: int = 1,
    stem: str = "imagenet",
    groups: int = 1,
    zero_init: bool = True,
    dtype: str = "float32",
    base: int = 64,
    remat: bool = False,
    kernel_init: str = "kaiming",
    bn_momentum: float | None = None,
) -> Net:
    """A residual network (arXiv:1512.03385, table 1) for [b, h, w, c] with any number of channels.

    depth: 10, 18, 34 (basic blocks), 50, 101, 152, 200 (bottlenecks, stride on the 3x3 as in torchvision), or
      the number of basic blocks in each stage: (1, 1, 1) is a network of three stages for small images.
    width: multiple of all channels, as in SimCLR and BYOL ("R50 (2x)"); torchvision's wide nets differ.
    stem: "imagenet" (7x7 stride 2, then 3x3 max-pool stride 2), "cifar" (3x3 stride 1, as SimCLR's appendix B.9) or
      "half" (3x3 stride 2: small images at a quarter of the cost).
    groups: of the batch, for batch norm; 1 is global. zero_init: the last scale of each block starts at 0
      (arXiv:1706.02677, section 5.1). base: channels of the stem and of the first stage's 3x3 convolutions.
    remat: a block is computed again in the backward pass, instead of kept; values do not depend on it.
    kernel_init: of the convolutions: "kaiming" (normal, by fan-out, arXiv:1502.01852, as torchvision) or "torch", that
      library's default (uniform, a sixth of the variance where channels stay), with which short runs learn more.
    bn_momentum: the share of batch norm's running statistics that survives a step, in 0..1; 0.9 where none is given.

    apply gives {"pool": [b, d], "maps": {"stage1": [b, h, w, c], ...}}, at least float32; pool is the mean over
    the last map. Raises ValueError for an unknown depth or stem.
    """
    one_of("stem", stem, tuple(STEMS))
    one_of("kernel_init", kernel_init, tuple(KERNELS))
    blocks = stages(depth, BASIC | BOTTLENECK)
    ranges.above_zero(width=width, groups=groups, base=base)
    ranges.at_most(MOST, width=width, base=base, groups=groups)
    compute = compute_dtype(dtype)
    momentum = BatchNorm.momentum if bn_momentum is None else bn_momentum
    ranges.share(bn_momentum=momentum)
    module = ResNet(
        blocks=blocks,
        bottleneck=isinstance(depth, int) and depth in BOTTLENECK,
        base=base * width,
        stem=STEMS[stem],
        zero_init=zero_init,
        norm=lambda train: partial(BatchNorm, train=train, groups=groups, momentum=momentum, dtype=compute),
        dtype=compute,
        remat=remat,
        kernel_init=kernel_init,
    )
    return pure(module)


def stages(depth: int | tuple[int, ...], known: dict[int, tuple[int, ...]]) -> tuple[int, ...]:
    """The blocks of each stage: those of a known depth, or as given. Raises ValueError for what is neither."""
    if isinstance(depth, int) and depth not in known:
        raise ValueError(spelling.unknown(depth, sorted(known), "the depths of ResNets"))
    blocks = known[depth] if isinstance(depth, int) else tuple(depth)
    if not 1 <= len(blocks) <= 10:
        raise ValueError(f"depth has {len(blocks)} stages; give the blocks of 1 to 10, such as (1, 1, 1)")
    ranges.above_zero(**{f"depth {i}": count for i, count in enumerate(blocks, 1)})
    ranges.at_most(1000, **{f"depth {i}": count for i, count in enumerate(blocks, 1)})
    return blocks


class Stem(nn.Module):
    """The first convolution, and for large images a max-pool of stride 2; shape: (size, stride, pool)."""

    base: int
    shape: tuple[int, int, bool]
    conv: partial
    norm: partial
    train: bool

    @nn.compact
    def __call__(self, x: Array) -> Array:
        size, stride, pool = self.shape
        x = self.norm(name="norm")(self.conv(self.base, size, stride, name="conv")(x))
        if pool and self.train and x.dtype == jnp.bfloat16:
            # The ReLU after the pool has a quarter of the values: the same maxima, and the same gradients.
            return nn.relu(nn.max_pool(x, window_shape=(3, 3), strides=(2, 2), padding=((1, 1), (1, 1))))
        return max_pool(nn.relu(x)) if pool else nn.relu(x)


def max_pool(x: Array) -> Array:
    """The greatest of 3x3 pixels at every second row and column of [b, h, w, c]."""
    # -inf around the image and an unpadded pool: an explicit padding of the pool is lost by ONNX converters
    x = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), constant_values=-jnp.inf)
    return nn.max_pool(x, window_shape=(3, 3), strides=(2, 2), padding="VALID")


class Block(nn.Module):
    """conv-norm-relu twice (basic) or thrice (bottleneck, four times as wide at its end), plus the shortcut."""

    features: int
    stride: int
    bottleneck: bool
    zero_init: bool
    conv: partial
    norm: partial

    @nn.compact
    def __call__(self, x: Array) -> Array:
        f, s = self.features, self.stride
        shapes = [(f, 1, 1), (f, 3, s), (4 * f, 1, 1)] if self.bottleneck else [(f, 3, s), (f, 3, 1)]
        last = nn.initializers.zeros if self.zero_init else nn.initializers.ones
        y = x
        for i, shape in enumerate(shapes, 1):
            y = self.conv(*shape, name=f"conv{i}")(y)
            if i < len(shapes):
                y = nn.relu(self.norm(name=f"norm{i}")(y))
        y = self.norm(scale_init=last, name=f"norm{len(shapes)}")(y)
        if x.shape != y.shape:
            x = self.conv(y.shape[-1], 1, s, name="shortcut_conv")(x)
            x = self.norm(name="shortcut_norm")(x)
        return nn.relu(x + y)


class Stage(nn.Module):
    """`blocks` residual blocks, the first with `stride`."""

    blocks: int
    stride: int
    block: partial

    @nn.compact
    def __call__(self, x: Array) -> Array:
        for i in range(self.blocks):
            x = self.block(stride=self.stride if i == 0 else 1, name=f"block{i}")(x)
        return x


def staged(x: Array, blocks: tuple[int, ...], base: int, block: Callable[[int], partial]) -> dict:
    """Stages that double the channels from `base` on and halve the sides; of their maps, and the mean of the last.

    blocks: of each stage. block: (stage, from 1 on) -> a `Block` but for its features. In a module's `__call__`.
    """
    maps = {}
    for stage, count in enumerate(blocks, 1):
        features = base * 2 ** (stage - 1)
        x = Stage(count, 1 if stage == 1 else 2, partial(block(stage), features=features), name=f"stage{stage}")(x)
        maps[f"stage{stage}"] = at_least_float32(x)
    return {"pool": maps[f"stage{len(blocks)}"].mean(range(1, x.ndim - 1)), "maps": maps}


class ResNet(nn.Module):
    """Stem, stages that double the channels and halve the image, mean. norm: train -> a norm's module to be named."""

    blocks: tuple[int, ...]
    bottleneck: bool
    base: int
    stem: tuple[int, int, bool]
    zero_init: bool
    norm: Callable[[bool], partial]
    dtype: jnp.dtype
    remat: bool
    kernel_init: str = "kaiming"

    @nn.compact
    def __call__(self, x: Array, *, train: bool) -> dict:
        norm = self.norm(train)
        left = train and self.dtype == jnp.bfloat16 and norm.func is BatchNorm
        conv = partial(Conv, dtype=self.dtype, kernel_init=KERNELS[self.kernel_init], left=left)
        block = nn.remat(Block) if self.remat else Block
        block = partial(block, bottleneck=self.bottleneck, zero_init=self.zero_init, conv=conv, norm=norm)
        x = Stem(self.base, self.stem, conv, norm, train, name="stem")(x.astype(self.dtype))
        return staged(x, self.blocks, self.base, lambda stage: block)
