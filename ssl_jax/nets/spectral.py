"""Layers whose kernel is divided by its greatest singular value (arXiv:1802.05957): what adversaries are made of.

A step of the power iteration a forward pass in training; its vector lies among the statistics, as `vector` [out].
"""

import jax
import jax.numpy as jnp
from flax import linen as nn

from ssl_jax.nets.conv import convolve
from ssl_jax.nets.options import parameter_dtype
from ssl_jax.types import Array

START = nn.initializers.orthogonal()


def iterated(kernel: Array, vector: Array) -> tuple[Array, Array]:
    """The greatest singular value of a kernel [..., out], as a step from `vector` [out] knows it, and the new vector.

    Algorithm 1 of arXiv:1802.05957; no gradient flows through the vectors.
    """
    matrix = kernel.reshape(-1, kernel.shape[-1])
    fixed, vector = jax.lax.stop_gradient((matrix, vector))
    left = _unit(fixed @ vector)
    right = _unit(left @ fixed)
    return left @ matrix @ right, right


def _unit(x: Array) -> Array:
    return x / jnp.maximum(jnp.linalg.norm(x), 1e-12)


class Spectral(nn.Module):
    """What the layers share: `kernel` over its singular value."""

    features: int
    dtype: jnp.dtype
    bias: bool = True

    def normalized(self, shape: tuple[int, ...], train: bool) -> Array:
        """The kernel [..., features] in the dtype of the computation."""
        kept = parameter_dtype(self.dtype)
        kernel = self.param("kernel", START, shape, kept)
        begin = lambda: _unit(jax.random.normal(jax.random.key(0), (self.features,), kept))  # noqa: E731
        vector = self.variable("batch_stats", "vector", begin)
        value, new = iterated(kernel, vector.value)
        if train:
            vector.value = new
        return (kernel / value).astype(self.dtype)

    def shifted(self, y: Array) -> Array:
        """y [..., features] and `bias`, where the layer has one."""
        if not self.bias:
            return y
        bias = self.param("bias", nn.initializers.zeros, (self.features,), parameter_dtype(self.dtype))
        return y + bias.astype(self.dtype).reshape((1,) * (y.ndim - 1) + (-1,))


class SpectralDense(Spectral):
    """A linear layer [b, n] -> [b, features]."""

    @nn.compact
    def __call__(self, x: Array, *, train: bool) -> Array:
        return self.shifted(x @ self.normalized((x.shape[-1], self.features), train))


class SpectralConv(Spectral):
    """A convolution of `size` pixels and stride 1, with size // 2 zeros on every side."""

    size: int = 3

    @nn.compact
    def __call__(self, x: Array, *, train: bool) -> Array:
        shape = (self.size, self.size, x.shape[-1], self.features)
        return self.shifted(convolve(x, self.normalized(shape, train), 1))
