"""Layer norm of maps."""

import jax
import jax.numpy as jnp
from flax import linen as nn

from ssl_jax.nets.affine import scaled, shifted
from ssl_jax.nets.options import at_least_float32, parameter_dtype
from ssl_jax.types import Array


class MapNorm(nn.Module):
    """Layer norm (arXiv:1607.06450) of [n, h, w, c]: each example over all of its places and channels.

    A scale and a bias for each channel, so that the parameters fit maps of any size. Statistics in at least float32.
    """

    dtype: jnp.dtype
    eps: float = 1e-5
    scale_init: nn.initializers.Initializer = nn.initializers.ones

    @nn.compact
    def __call__(self, x: Array) -> Array:
        width, kept = (x.shape[-1],), parameter_dtype(self.dtype)
        scale = self.param("scale", self.scale_init, width, kept)
        bias = self.param("bias", nn.initializers.zeros, width, kept)
        y = at_least_float32(x).reshape(x.shape[0], -1)
        y = y - y.mean(1, keepdims=True)
        y = y * jax.lax.rsqrt(jnp.square(y).mean(1, keepdims=True) + self.eps)
        y = shifted(scaled(y.reshape(-1, *width), scale.astype(y.dtype)), bias.astype(y.dtype))
        return y.reshape(x.shape).astype(self.dtype)
