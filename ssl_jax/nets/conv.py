"""Square convolutions with explicit padding."""

import jax
import jax.numpy as jnp
from flax import linen as nn

from ssl_jax.nets.options import parameter_dtype
from ssl_jax.types import Array


def convolve(x: Array, kernel: Array, stride: int) -> Array:
    """[n, h, w, c] with [k, k, c, o]; k // 2 zeros on every side as torch pads ("SAME" differs where stride > 1)."""
    sides = [(kernel.shape[0] // 2,) * 2] * 2
    return jax.lax.conv_general_dilated(x, kernel, (stride, stride), sides, dimension_numbers=("NHWC", "HWIO", "NHWC"))


class Conv(nn.Module):
    """A convolution without bias, k // 2 zeros on every side, Kaiming-normal by fan-out (arXiv:1502.01852).

    One parameter, `kernel` [k, k, in, out].
    """

    features: int
    size: int
    stride: int
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: Array) -> Array:
        shape = (self.size, self.size, x.shape[-1], self.features)
        kaiming = nn.initializers.variance_scaling(2.0, "fan_out", "normal")
        kernel = self.param("kernel", kaiming, shape, parameter_dtype(self.dtype)).astype(self.dtype)
        return convolve(x, kernel, self.stride)
