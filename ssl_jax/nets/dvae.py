"""Encoder and decoder of a discrete VAE: DALL-E's convolutions, without any norm.

Parameters: `input`, `group1/block1/...` (`conv1` to `conv4`, and `shortcut` where channels change), ..., `output`, each
with `kernel` and `bias`.
"""

import jax.numpy as jnp
from flax import linen as nn

from ssl_jax.checks import ranges
from ssl_jax.nets.conv import convolve
from ssl_jax.nets.options import LAYERS, MOST, at_least_float32, compute_dtype, parameter_dtype
from ssl_jax.nets.pure import pure
from ssl_jax.types import Array, Net

NORMAL = nn.initializers.variance_scaling(1.0, "fan_in", "normal")
"""Normal of variance 1 / inputs, as in the code."""


def dvae_encoder(
    *, codes: int = 8192, width: int = 256, groups: int = 4, blocks: int = 2, dtype: str = "float32"
) -> Net:
    """DALL-E's encoder (arXiv:2102.12092, appendix A.2; code): [b, h, w, c] -> {"logits": [b, h', w', codes]}.

    groups: of so many residual blocks each; between two of them the largest of 2 x 2 places stays, so that h' is h over
    2^(groups - 1). width: channels of the first group, twice as many in each that follows. Also "pool" [b, d], the mean
    of the last features, and "maps". Raises ValueError (apply) for images that are not halved evenly.
    """
    _checked(width, groups, blocks, codes=codes)
    return pure(Encoder(codes, width, groups, blocks, compute_dtype(dtype)))


def dvae_decoder(
    *,
    channels: int = 3,
    start: int = 128,
    width: int = 256,
    groups: int = 4,
    blocks: int = 2,
    dtype: str = "float32",
) -> Net:
    """DALL-E's decoder (as above): shares of codes [b, h', w', k] -> images [b, h, w, channels], at least float32.

    start: channels of the first layer; the groups of the encoder in reverse, with the nearest neighbor between two of
    them. Its last layer says means alone; DALL-E's says scales as well.
    """
    _checked(width, groups, blocks, channels=channels, start=start)
    return pure(Decoder(channels, start, width, groups, blocks, compute_dtype(dtype)))


def _checked(width: int, groups: int, blocks: int, **others: int) -> None:
    ranges.above_zero(width=width, groups=groups, blocks=blocks, **others)
    ranges.at_most(MOST, width=width, **others)
    ranges.at_most(20, groups=groups)
    ranges.at_most(LAYERS, blocks=blocks)
    if width % 4:
        raise ValueError(f"a block works in a quarter of its channels, and width is {width}: take a multiple of 4")


class Conv(nn.Module):
    """A convolution of stride 1 with bias."""

    features: int
    size: int
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: Array) -> Array:
        kept = parameter_dtype(self.dtype)
        kernel = self.param("kernel", NORMAL, (self.size, self.size, x.shape[-1], self.features), kept)
        bias = self.param("bias", nn.initializers.zeros, (self.features,), kept)
        y = convolve(x.astype(self.dtype), kernel.astype(self.dtype), 1)
        return y + bias.astype(self.dtype).reshape(1, 1, 1, -1)


class Block(nn.Module):
    """x + gain * four convolutions of ReLUs, in a quarter of the channels but for the last. sizes: of their kernels."""

    features: int
    sizes: tuple[int, int, int, int]
    gain: float
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: Array) -> Array:
        y = x
        for i, size in enumerate(self.sizes, 1):
            width = self.features if i == len(self.sizes) else self.features // 4
            y = Conv(width, size, self.dtype, name=f"conv{i}")(nn.relu(y))
        alike = x.shape[-1] == self.features
        return (x if alike else Conv(self.features, 1, self.dtype, name="shortcut")(x)) + self.gain * y


class Group(nn.Module):
    """Blocks of so many channels in a row."""

    features: int
    blocks: int
    sizes: tuple[int, int, int, int]
    gain: float
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: Array) -> Array:
        for i in range(1, self.blocks + 1):
            x = Block(self.features, self.sizes, self.gain, self.dtype, name=f"block{i}")(x)
        return x


class Encoder(nn.Module):
    """See `dvae_encoder`."""

    codes: int
    width: int
    groups: int
    blocks: int
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: Array, *, train: bool) -> dict:
        _, h, w, _ = x.shape
        if h % (factor := 2 ** (self.groups - 1)) or w % factor:
            raise ValueError(f"an image of {h} x {w} pixels is not halved {self.groups - 1} times: take a multiple")
        x, gain, maps = Conv(self.width, 7, self.dtype, name="input")(x), (self.groups * self.blocks) ** -2.0, {}
        for i in range(self.groups):
            if i:
                x = nn.max_pool(x, (2, 2), (2, 2))
            x = Group(self.width * 2**i, self.blocks, (3, 3, 3, 1), gain, self.dtype, name=f"group{i + 1}")(x)
            maps[f"stage{i + 1}"] = at_least_float32(x)
        x = nn.relu(x)
        logits = Conv(self.codes, 1, self.dtype, name="output")(x)
        return {"pool": at_least_float32(x).mean((1, 2)), "maps": maps, "logits": at_least_float32(logits)}


class Decoder(nn.Module):
    """See `dvae_decoder`."""

    channels: int
    start: int
    width: int
    groups: int
    blocks: int
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: Array, *, train: bool) -> Array:
        x, gain = Conv(self.start, 1, self.dtype, name="input")(x), (self.groups * self.blocks) ** -2.0
        for i in range(self.groups):
            if i:
                x = jnp.repeat(jnp.repeat(x, 2, 1), 2, 2)
            features = self.width * 2 ** (self.groups - 1 - i)
            x = Group(features, self.blocks, (1, 3, 3, 3), gain, self.dtype, name=f"group{i + 1}")(x)
        return at_least_float32(Conv(self.channels, 1, self.dtype, name="output")(nn.relu(x)))
