"""Convolutions without padding, in XLA's form, and in training on a CPU as one product: see `conv.py`."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from ssl_jax.nets.options import by_platform, parameter_dtype
from ssl_jax.types import Array


def plain(x: Array, kernel: Array, stride: int) -> Array:
    """[n, h, w, c] with [k, k, c, o]."""
    numbers = ("NHWC", "HWIO", "NHWC")
    return jax.lax.conv_general_dilated(x, kernel, (stride, stride), "VALID", dimension_numbers=numbers)


def product(x: Array, kernel: Array, stride: int) -> Array:
    """The values of `plain`: the pixels of each square side by side, times the kernel."""
    size, channels = kernel.shape[0], kernel.shape[-1]
    h, w = (stride * ((side - size) // stride) + 1 for side in x.shape[1:3])
    shifted = [x[:, i : i + h : stride, j : j + w : stride] for i, j in np.ndindex(size, size)]
    return jnp.concatenate(shifted, -1) @ kernel.reshape(-1, channels)


def _gradients(form, x: Array, kernel: Array, dy: Array) -> tuple[Array, Array]:
    return jax.vjp(form, x, kernel)[1](dy)


def _forward(x: Array, kernel: Array, stride: int) -> tuple[Array, tuple[Array, Array]]:
    return by_platform(partial(plain, stride=stride), partial(product, stride=stride), x, kernel), (x, kernel)


def _backward(stride: int, residuals: tuple[Array, Array], dy: Array) -> tuple[Array, Array]:
    forms = (partial(_gradients, partial(form, stride=stride)) for form in (plain, product))
    return by_platform(*forms, *residuals, dy)


convolve = jax.custom_vjp(plain, nondiff_argnums=(2,))
convolve.defvjp(_forward, _backward)


class UnpaddedConv(nn.Module):
    """A convolution without padding. Parameters `kernel` [k, k, in, out] and, with `bias`, `bias` [out]."""

    features: int
    size: int
    stride: int
    dtype: jnp.dtype
    start: nn.initializers.Initializer
    bias: bool = False

    @nn.compact
    def __call__(self, x: Array) -> Array:
        shape, kept = (self.size, self.size, x.shape[-1], self.features), parameter_dtype(self.dtype)
        y = convolve(x, self.param("kernel", self.start, shape, kept).astype(self.dtype), self.stride)
        if self.bias:
            bias = self.param("bias", nn.initializers.zeros, (self.features,), kept)
            y = y + bias.astype(self.dtype).reshape(1, 1, 1, -1)
        return y
