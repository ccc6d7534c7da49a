"""Plain convolutions of stride 2, as DCGAN has them (arXiv:1511.06434, section 3): encoders, discriminators.

Layers are `conv1`, `norm1`, `conv2`, ...; each halves the image. Kernels of 4 pixels with one pixel of padding, leaky
ReLU of slope 0.2; the first layer has no norm. Weights start as torch's do, uniform within 1 / sqrt(inputs).
"""

from functools import partial

import jax.numpy as jnp
from flax import linen as nn

from ssl_jax.checks import ranges
from ssl_jax.nets.norm import BatchNorm
from ssl_jax.nets.options import MOST, TORCH, at_least_float32, compute_dtype, one_of, parameter_dtype
from ssl_jax.nets.pure import pure
from ssl_jax.types import Array, Net

NORMS = ("batch", "none")
leaky_relu = partial(nn.leaky_relu, negative_slope=0.2)


def conv_encoder(
    *, widths: tuple[int, ...] = (32, 64, 128), norm: str = "batch", groups: int = 1, dtype: str = "float32"
) -> Net:
    """Images [b, h, w, c] -> {"pool": [b, d], "maps": {"stage1": [b, h / 2, w / 2, widths[0]], ...}}.

    widths: channels of the layers. norm: "batch" or "none". pool is the mean over the last map. Odd sides lose a row.
    Raises ValueError for an unknown norm, no widths or, in `init`, an image that is halved away.
    """
    return pure(Encoder(_checked(widths, norm, groups), norm, groups, compute_dtype(dtype)))


def conv_discriminator(
    *, widths: tuple[int, ...] = (32, 64), norm: str = "batch", groups: int = 1, dtype: str = "float32"
) -> Net:
    """Images [b, h, w, c] -> logits [b] that they are real: layers as in `conv_encoder`, and `last` of all places."""
    return pure(Discriminator(_checked(widths, norm, groups), norm, groups, compute_dtype(dtype)))


def bottleneck(*, out: int, norm: str = "batch", groups: int = 1, dtype: str = "float32") -> Net:
    """A linear layer [b, n] -> [b, out], norm and leaky ReLU: context encoders' (arXiv:1604.07379, code).

    Without norm or activation it is `linear`, the bottleneck of an autoencoder.
    """
    ranges.above_zero(out=out, groups=groups)
    ranges.at_most(MOST, out=out, groups=groups)
    one_of("norm", norm, NORMS)
    return pure(Bottleneck(out, norm, groups, compute_dtype(dtype)))


def _checked(widths: tuple[int, ...], norm: str, groups: int) -> tuple[int, ...]:
    one_of("norm", norm, NORMS)
    if not widths:
        raise ValueError("a network of strided convolutions needs one width or more")
    ranges.above_zero(groups=groups, **{f"width {i}": width for i, width in enumerate(widths, 1)})
    ranges.at_most(MOST, groups=groups, **{f"width {i}": width for i, width in enumerate(widths, 1)})
    return tuple(widths)


def halved(x: Array, widths: tuple[int, ...], norm: str, groups: int, dtype: jnp.dtype, *, train: bool) -> list[Array]:
    """The output of each layer. In a module's `__call__`. Raises ValueError where nothing is left of the image."""
    found, kept = [], parameter_dtype(dtype)
    if min(x.shape[1:3]) < 2 ** len(widths):
        raise ValueError(
            f"{len(widths)} layers that halve leave nothing of images of {x.shape[1]} x {x.shape[2]} pixels"
        )
    for i, width in enumerate(widths, 1):
        normed = norm == "batch" and i > 1
        x = nn.Conv(
            width,
            (4, 4),
            strides=2,
            padding=1,
            use_bias=not normed,
            kernel_init=TORCH,
            dtype=dtype,
            param_dtype=kept,
            name=f"conv{i}",
        )(x)
        x = BatchNorm(train, groups, dtype=dtype, name=f"norm{i}")(x) if normed else x
        x = leaky_relu(x)
        found.append(x)
    return found


class Encoder(nn.Module):
    """See `conv_encoder`."""

    widths: tuple[int, ...]
    norm: str
    groups: int
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: Array, *, train: bool) -> dict:
        maps = halved(x.astype(self.dtype), self.widths, self.norm, self.groups, self.dtype, train=train)
        maps = {f"stage{i}": at_least_float32(y) for i, y in enumerate(maps, 1)}
        return {"pool": maps[f"stage{len(maps)}"].mean((1, 2)), "maps": maps}


class Discriminator(nn.Module):
    """See `conv_discriminator`."""

    widths: tuple[int, ...]
    norm: str
    groups: int
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: Array, *, train: bool) -> Array:
        y = halved(x.astype(self.dtype), self.widths, self.norm, self.groups, self.dtype, train=train)[-1]
        kept = parameter_dtype(self.dtype)
        logits = nn.Dense(1, kernel_init=TORCH, dtype=self.dtype, param_dtype=kept, name="last")(y.reshape(len(y), -1))
        return at_least_float32(logits)[:, 0]


class Bottleneck(nn.Module):
    """See `bottleneck`."""

    out: int
    norm: str
    groups: int
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: Array, *, train: bool) -> Array:
        kept, normed = parameter_dtype(self.dtype), self.norm == "batch"
        dense = nn.Dense(
            self.out, use_bias=not normed, kernel_init=TORCH, dtype=self.dtype, param_dtype=kept, name="linear"
        )
        y = dense(x.astype(self.dtype))
        y = BatchNorm(train, self.groups, dtype=self.dtype, name="norm")(y) if normed else y
        return at_least_float32(leaky_relu(y))
