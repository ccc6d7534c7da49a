"""Square convolutions with explicit padding, and a kernel gradient that suits a CPU.

XLA's CPU form of the kernel gradient runs at a fraction of a matrix product's speed; as one matrix product of shifted
copies it is up to six times as fast. Other platforms keep XLA's form: `jax.lax.platform_dependent` chooses while
lowering, so that no trace of the CPU form reaches a TPU.
"""

from functools import partial

import jax
import jax.numpy as jnp
from flax import linen as nn

from ssl_jax.nets.options import parameter_dtype
from ssl_jax.types import Array


def plain(x: Array, kernel: Array, stride: int) -> Array:
    """[n, h, w, c] with [k, k, c, o]; k // 2 zeros on every side as torch pads ("SAME" differs where stride > 1)."""
    sides = [(kernel.shape[0] // 2,) * 2] * 2
    return jax.lax.conv_general_dilated(x, kernel, (stride, stride), sides, dimension_numbers=("NHWC", "HWIO", "NHWC"))


def kernel_gradient(x: Array, dy: Array, *, size: int, stride: int) -> Array:
    """XLA's gradient of `plain` by its kernel: [n, h, w, c], [n, h', w', o] -> [size, size, c, o]."""
    kernel = jax.ShapeDtypeStruct((size, size, x.shape[-1], dy.shape[-1]), x.dtype)
    return jax.linear_transpose(lambda k: plain(x, k, stride), kernel)(dy)[0]


def kernel_gradient_by_product(x: Array, dy: Array, *, size: int, stride: int) -> Array:
    """The same numbers from one matrix product."""
    if size == 3 and stride == 1 and x.shape[-1] >= 16:
        return _crossed(x, dy)
    return _of_patches(x, dy, size, stride)


def _crossed(x: Array, dy: Array) -> Array:
    """3x3, stride 1: three shifts of x by columns times three of dy by rows are the nine taps, for six copies."""
    n, h, w, c = x.shape
    padded, rows = jnp.pad(x, ((0, 0), (0, 0), (1, 1), (0, 0))), jnp.pad(dy, ((0, 0), (1, 1), (0, 0), (0, 0)))
    left = jnp.stack([padded[:, :, j : j + w] for j in range(3)], 3).reshape(n * h * w, -1)
    right = jnp.stack([rows[:, 2 - i : 2 - i + h] for i in range(3)], 3).reshape(n * h * w, -1)
    return (left.T @ right).reshape(3, c, 3, -1).transpose(2, 0, 1, 3)


def _of_patches(x: Array, dy: Array, size: int, stride: int) -> Array:
    """Any size and stride: a copy of x for each tap."""
    (n, h, w, o), pad = dy.shape, size // 2
    padded = jnp.pad(x, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    down, right = stride * (h - 1) + 1, stride * (w - 1) + 1
    taps = [padded[:, i : i + down : stride, j : j + right : stride] for i in range(size) for j in range(size)]
    return (jnp.stack(taps, 3).reshape(n * h * w, -1).T @ dy.reshape(n * h * w, o)).reshape(size, size, -1, o)


def _backward(stride: int, residuals: tuple[Array, Array], dy: Array) -> tuple[Array, Array]:
    x, kernel = residuals
    (dx,) = jax.linear_transpose(lambda v: plain(v, kernel, stride), x)(dy)
    shape = dict(size=kernel.shape[0], stride=stride)
    forms = dict(cpu=partial(kernel_gradient_by_product, **shape), default=partial(kernel_gradient, **shape))
    return dx, jax.lax.platform_dependent(x, dy, **forms)


convolve = jax.custom_vjp(plain, nondiff_argnums=(2,))
convolve.defvjp(lambda x, kernel, stride: (plain(x, kernel, stride), (x, kernel)), _backward)


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
