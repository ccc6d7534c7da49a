"""A residual network without padding, so that each place of a map has seen its own square of the image: AMDIM's."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from ssl_jax.checks import ranges
from ssl_jax.nets.norm import BatchNorm
from ssl_jax.nets.options import LAYERS, MOST, TORCH, at_least_float32, compute_dtype, one_of
from ssl_jax.nets.pure import pure
from ssl_jax.nets.unpadded_conv import UnpaddedConv
from ssl_jax.types import Array, Key, Net

STAGES = {
    32: ((1, 1, 1, 1), (4, 2, 2, None), (2, 2, 4, None)),
    64: ((4, 2, 2, None), (4, 2, 4, None), (2, 2, 8, None)),
    128: ((4, 2, 2, None), (4, 2, 4, None), (2, 2, 8, None)),
}
"""By the side of the images: kernel, stride, multiple of the channels and layers (None: as many as are asked for) of
the stages down to 7 x 7 places."""


def unpadded_resnet(
    *,
    size: int = 128,
    base: int = 192,
    depth: int = 8,
    out: int = 1536,
    batch_norm: bool = False,
    groups: int = 1,
    zero_init: bool = True,
    dtype: str = "float32",
) -> Net:
    """AMDIM's encoder and its heads (arXiv:1906.00910, appendix and code) for images of `size` pixels: 32, 64 or 128.

    base: channels of the first layer. depth: layers of a stage, the first over squares of places, the others over
    single ones. out: width of the outputs. batch_norm: in the encoder; the outputs always have it. groups: of the
    batch, for batch norm; 1 is global. zero_init: the last convolution of each residual starts at 0.

    apply gives {"pool": [b, out], "maps": {"1x1": [b, 1, 1, out], "5x5": ..., "7x7": ...}}, at least float32; pool is
    the 1x1 map. A place of the 7x7 map has seen no pixel but those of its own square. Raises ValueError for images of
    another size.
    """
    one_of("size", str(size), tuple(map(str, STAGES)))
    ranges.above_zero(base=base, depth=depth, out=out, groups=groups)
    ranges.at_most(MOST, base=base, out=out, groups=groups)
    ranges.at_most(LAYERS, depth=depth)
    top = STAGES[size][-1][2] * base
    if out < top:
        raise ValueError(f"out is {out}, and the last stage has {top} channels, which only grow; give {top} or more")
    compute = compute_dtype(dtype)
    return pure(UnpaddedResNet(size, base, depth, out, batch_norm, groups, zero_init, compute))


def identity_like(key: Key, shape: tuple[int, ...], dtype: jnp.dtype) -> Array:
    """[1, 1, in, out] with ones on the diagonal and else numbers from U(-0.01, 0.01), where out >= in; AMDIM's code."""
    return jnp.where(jnp.eye(*shape[2:], dtype=bool), 1, jax.random.uniform(key, shape, dtype, -0.01, 0.01))


class Layer(nn.Module):
    """Convolution, ReLU and 1x1 convolution, plus the mean of each square, with channels of zeros where it widens."""

    features: int
    kernel: int
    stride: int
    zero_init: bool
    conv: partial
    norm: partial

    @nn.compact
    def __call__(self, x: Array) -> Array:
        k, s = self.kernel, self.stride
        y = nn.relu(self.norm(name="norm")(self.conv(self.features, k, s, name="conv1")(x)))
        last = nn.initializers.zeros if self.zero_init else TORCH
        y = self.conv(self.features, 1, 1, start=last, name="conv2")(y)
        if k > 1:
            sums = jax.lax.reduce_window(x, np.zeros((), x.dtype), jax.lax.add, (1, k, k, 1), (1, s, s, 1), "VALID")
            x = sums / k**2
        return y + jnp.pad(x, ((0, 0), (0, 0), (0, 0), (0, self.features - x.shape[-1])))


class Head(nn.Module):
    """Two 1x1 convolutions with a ReLU between them, plus one that starts near the identity; batch norm at the end."""

    out: int
    zero_init: bool
    conv: partial
    norm: partial
    last_norm: partial

    @nn.compact
    def __call__(self, x: Array) -> Array:
        last = nn.initializers.zeros if self.zero_init else TORCH
        y = nn.relu(self.norm(name="norm1")(self.conv(self.out, 1, 1, name="conv1")(x)))
        y = self.conv(self.out, 1, 1, start=last, name="conv2")(y)
        x = self.conv(self.out, 1, 1, start=identity_like, bias=True, name="shortcut")(x)
        return at_least_float32(self.last_norm(name="norm2")(x + y))


class Stem(nn.Module):
    """The first convolutions, with ReLU; images of 128 pixels are halved, with their border reflected."""

    base: int
    halve: bool
    conv: partial

    @nn.compact
    def __call__(self, x: Array) -> Array:
        if self.halve:
            x = jnp.pad(x, ((0, 0), (2, 2), (2, 2), (0, 0)), mode="reflect")
            x = nn.relu(self.conv(self.base, 5, 2, bias=True, name="conv")(x))
        return nn.relu(self.conv(self.base, 3, 1, bias=True, name="conv2" if self.halve else "conv")(x))


class UnpaddedResNet(nn.Module):
    """See `unpadded_resnet`."""

    size: int
    base: int
    depth: int
    out: int
    batch_norm: bool
    groups: int
    zero_init: bool
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: Array, *, train: bool) -> dict:
        if x.shape[1:3] != (self.size, self.size):
            raise ValueError(
                f"unpadded_resnet of size {self.size} takes images of {self.size} x {self.size} pixels, not "
                f"{x.shape[1]} x {x.shape[2]}; give views of that size, or size=32, 64 or 128"
            )
        conv = partial(UnpaddedConv, dtype=self.dtype, start=TORCH)
        normed = partial(BatchNorm, train=train, groups=self.groups, dtype=self.dtype)
        norm = normed if self.batch_norm else _unchanged
        layer = partial(Layer, zero_init=self.zero_init, conv=conv, norm=norm)

        x = Stem(self.base, self.size == 128, conv, name="stem")(x.astype(self.dtype))
        last = (3, 1, STAGES[self.size][-1][2], None)
        stages, maps = (*STAGES[self.size], last, last), {}
        for number, (kernel, stride, multiple, layers) in enumerate(stages, 1):
            for i in range(layers or self.depth):
                shape = (kernel, stride) if i == 0 else (1, 1)
                x = layer(multiple * self.base, *shape, name=f"stage{number}_layer{i}")(x)
            x = norm(name="norm")(x) if number == len(STAGES[self.size]) else x
            maps[f"{x.shape[1]}x{x.shape[2]}"] = x
        x = layer(self.out, 3, 1, name="last")(x)
        first = at_least_float32(normed(name="last_norm")(x))
        head = partial(Head, self.out, self.zero_init, conv, norm, normed)
        return {
            "pool": first[:, 0, 0],
            "maps": {"1x1": first, **{name: head(name=f"head{name[0]}")(maps[name]) for name in ("5x5", "7x7")}},
        }


def _unchanged(name: str):
    return lambda x: x
