"""BigBiGAN's generator and joint discriminator, of BigGAN's residual blocks (arXiv:1907.02544, section 2; 1809.11096,
appendix B), without classes. All kernels have spectral norm.
"""

from functools import partial

import jax
import jax.numpy as jnp
from flax import linen as nn

from ssl_jax.checks import ranges
from ssl_jax.nets.conv_decoder import OUTPUTS
from ssl_jax.nets.norm import BatchNorm
from ssl_jax.nets.options import LAYERS, MOST, at_least_float32, compute_dtype, one_of, parameter_dtype
from ssl_jax.nets.pure import pure
from ssl_jax.nets.spectral import SpectralConv, SpectralDense
from ssl_jax.types import Array, Net


def residual_generator(
    *,
    size: int,
    channels: int = 3,
    widths: tuple[int, ...] = (64, 64, 32),
    attention: int = 0,
    output: str = "linear",
    groups: int = 1,
    dtype: str = "float32",
) -> Net:
    """Codes [b, k] -> images [b, size, size, channels], at least float32.

    widths: of the first map, whose side is size / 2^(blocks), and of each block, which doubles the sides. The code is
    cut into as many pieces as there are widths: the first makes the map, each other scales and shifts the batch norms
    of its block (arXiv:1809.11096, section 3.1). attention: side of the map behind whose block is a `SelfAttention`, 0
    for none; 64 in BigGAN. output: "linear" or "tanh". Raises ValueError for a size that the doublings do not reach, a
    side that no block makes, or a code that cannot be cut.
    """
    one_of("output", output, tuple(OUTPUTS))
    ranges.above_zero(size=size, channels=channels, groups=groups, **_named(widths))
    ranges.at_most(MOST, size=size, channels=channels, **_named(widths))
    blocks = len(widths) - 1
    if blocks < 1 or size % 2**blocks:
        raise ValueError(
            f"size is {size} and {max(blocks, 0)} blocks double it as often: give a multiple of {2**blocks:g}"
        )
    _reached(attention, [size // 2**i for i in range(blocks)])
    return pure(Generator(size, channels, tuple(widths), attention, output, groups, compute_dtype(dtype)))


def joint_discriminator(
    *,
    widths: tuple[int, ...] = (32, 64, 64),
    hidden: int = 64,
    layers: int = 2,
    attention: int = 0,
    dtype: str = "float32",
) -> Net:
    """{"image": [b, h, w, c], "latent": [b, k]} -> {"image", "latent", "joint"}, scores [b], at least float32.

    widths: of residual blocks of the image (F), all but the last of which halve it; their sum over places scores the
    image. hidden, layers: of two residual perceptrons, of the code (H) and of both side by side (J). Scores are
    products with one vector. attention: as in `residual_generator`; `init` raises ValueError for a side that no block
    leaves.
    """
    if not widths:
        raise ValueError("joint_discriminator needs one width or more")
    ranges.above_zero(hidden=hidden, layers=layers, **_named(widths))
    ranges.at_most(MOST, hidden=hidden, **_named(widths))
    ranges.at_most(LAYERS, layers=layers)
    return pure(Discriminator(tuple(widths), hidden, layers, attention, compute_dtype(dtype)))


def _named(widths: tuple[int, ...]) -> dict[str, int]:
    return {f"width {i}": width for i, width in enumerate(widths, 1)}


def greatest(x: Array) -> Array:
    """The greatest of 2 x 2 pixels; an odd last row or column is left out."""
    b, h, w, c = x.shape
    return x[:, : h // 2 * 2, : w // 2 * 2].reshape(b, h // 2, 2, w // 2, 2, c).max((2, 4))


def _reached(attention: int, sides: list[int]) -> None:
    """Raises ValueError for a side at which no block ends, unless it is 0; a map of one pixel has nowhere to look."""
    known = [side for side in sides if side > 1]
    if attention and attention not in known:
        raise ValueError(
            f"attention is at maps of side {attention}, and blocks end at {known}: take one, or 0 for none"
        )


def doubled(x: Array) -> Array:
    """Nearest neighbors: [b, h, w, c] -> [b, 2 h, 2 w, c]."""
    return jnp.repeat(jnp.repeat(x, 2, 1), 2, 2)


def halved(x: Array) -> Array:
    """Means of 2 x 2 pixels; an odd last row or column is left out."""
    b, h, w, c = x.shape
    return x[:, : h // 2 * 2, : w // 2 * 2].reshape(b, h // 2, 2, w // 2, 2, c).mean((2, 4))


class SelfAttention(nn.Module):
    """x + gamma times what each place takes from all others (SAGAN, arXiv:1805.08318, section 3; BigGAN's code).

    Queries and keys have an eighth of the channels, values half; keys and values are the greatest of 2 x 2 places, as
    in BigGAN. Scores are not scaled. `gamma` starts at 0.
    """

    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: Array, *, train: bool) -> Array:
        b, h, w, c = x.shape
        conv = partial(SpectralConv, dtype=self.dtype, bias=False, size=1)
        query = conv(max(c // 8, 1), name="query")(x, train=train).reshape(b, h * w, -1)
        key, value = (
            greatest(conv(max(c // part, 1), name=name)(x, train=train)).reshape(b, (h // 2) * (w // 2), -1)
            for name, part in (("key", 8), ("value", 2))
        )
        weights = jax.nn.softmax(at_least_float32(jnp.einsum("bqd,bkd->bqk", query, key)), -1).astype(self.dtype)
        found = jnp.einsum("bqk,bkd->bqd", weights, value).reshape(b, h, w, -1)
        gamma = self.param("gamma", nn.initializers.zeros, (), parameter_dtype(self.dtype)).astype(self.dtype)
        return x + gamma * conv(c, name="output")(found, train=train)


class Modulated(nn.Module):
    """Batch norm whose scale and shift are linear functions of a piece of the code."""

    groups: int
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: Array, code: Array, *, train: bool) -> Array:
        norm = BatchNorm(train, self.groups, scale=False, bias=False, dtype=self.dtype, name="norm")
        scale, shift = (
            SpectralDense(x.shape[-1], self.dtype, name=name)(code, train=train)[:, None, None]
            for name in ("scale", "shift")
        )
        return norm(x) * (1 + scale) + shift


class Up(nn.Module):
    """A residual block that doubles the sides."""

    width: int
    groups: int
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: Array, code: Array, *, train: bool) -> Array:
        # the batch norms behind them take constants away
        conv = partial(SpectralConv, self.width, self.dtype, bias=False)
        norm = partial(Modulated, self.groups, self.dtype)
        y = doubled(nn.relu(norm(name="norm1")(x, code, train=train)))
        y = nn.relu(norm(name="norm2")(conv(name="conv1")(y, train=train), code, train=train))
        return conv(name="conv2")(y, train=train) + doubled(conv(size=1, name="shortcut")(x, train=train))


class Generator(nn.Module):
    """See `residual_generator`."""

    size: int
    channels: int
    widths: tuple[int, ...]
    attention: int
    output: str
    groups: int
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: Array, *, train: bool) -> Array:
        first, *others = self.widths
        if x.shape[-1] % len(self.widths):
            raise ValueError(
                f"a code of {x.shape[-1]} numbers cannot be cut into {len(self.widths)} pieces, one a width"
            )
        piece, *pieces = jnp.split(x.astype(self.dtype), len(self.widths), -1)
        side = self.size // 2 ** len(others)
        y = SpectralDense(side * side * first, self.dtype, name="linear")(piece, train=train)
        y = y.reshape(-1, side, side, first)
        for i, (width, piece) in enumerate(zip(others, pieces, strict=True), 1):
            y = Up(width, self.groups, self.dtype, name=f"block{i}")(y, piece, train=train)
            if y.shape[1] == self.attention:
                y = SelfAttention(self.dtype, name="attention")(y, train=train)
        y = nn.relu(BatchNorm(train, self.groups, dtype=self.dtype, name="norm")(y))
        y = SpectralConv(self.channels, self.dtype, name="last")(y, train=train)
        return at_least_float32(OUTPUTS[self.output](y))


class Down(nn.Module):
    """A residual block that halves the sides, or leaves them; the first begins without an activation."""

    width: int
    halves: bool
    first: bool
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: Array, *, train: bool) -> Array:
        conv = partial(SpectralConv, self.width, self.dtype)
        y = conv(name="conv1")(x if self.first else nn.relu(x), train=train)
        y = conv(name="conv2")(nn.relu(y), train=train)
        x = conv(size=1, name="shortcut")(x, train=train) if x.shape[-1] != self.width else x
        return halved(x + y) if self.halves else x + y


class Perceptron(nn.Module):
    """A linear layer, and residual pairs of them."""

    hidden: int
    layers: int
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: Array, *, train: bool) -> Array:
        dense = partial(SpectralDense, self.hidden, self.dtype)
        x = dense(name="linear")(x, train=train)
        for i in range(1, self.layers + 1):
            y = dense(name=f"first{i}")(nn.relu(x), train=train)
            x = x + dense(name=f"second{i}")(nn.relu(y), train=train)
        return nn.relu(x)


class Discriminator(nn.Module):
    """See `joint_discriminator`."""

    widths: tuple[int, ...]
    hidden: int
    layers: int
    attention: int
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: dict, *, train: bool) -> dict:
        image, last = x["image"].astype(self.dtype), len(self.widths) - 1
        _reached(self.attention, [image.shape[1] // 2**i for i in range(1, last + 1)])
        for i, width in enumerate(self.widths):
            image = Down(width, i < last, i == 0, self.dtype, name=f"block{i + 1}")(image, train=train)
            if i < last and image.shape[1] == self.attention:
                image = SelfAttention(self.dtype, name="attention")(image, train=train)
        seen = {"image": nn.relu(image).sum((1, 2))}
        perceptron = partial(Perceptron, self.hidden, self.layers, self.dtype)
        seen["latent"] = perceptron(name="of_latent")(x["latent"].astype(self.dtype), train=train)
        both = jnp.concatenate([seen["image"], seen["latent"]], -1)
        seen["joint"] = perceptron(name="of_both")(both, train=train)
        score = partial(SpectralDense, 1, self.dtype, bias=False)
        return {n: at_least_float32(score(name=f"score_{n}")(y, train=train)[:, 0]) for n, y in seen.items()}
