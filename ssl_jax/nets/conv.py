"""Square convolutions with explicit padding, in XLA's form, and in training on a CPU as matrix products.

XLA's CPU compiler makes a kernel gradient of two transposed copies, in which it repeats the batch norms before it pixel
by pixel against the order of memory, multiplies the zeros of strided gradients, and knows no Winograd; in a loop
(chunks of a batch) its gradients and its images smaller than the kernel are up to a hundred times slower still.
Products (`products.py`) take two thirds of the time of a ResNet-18. `jax.lax.platform_dependent` chooses while
lowering: no trace of them reaches a TPU or a GPU. Inference and exports have XLA's form everywhere.
"""

from functools import partial

import jax
import jax.numpy as jnp
from flax import linen as nn

from ssl_jax.nets import products
from ssl_jax.nets.one_pass import Product
from ssl_jax.nets.options import TORCH, by_platform, parameter_dtype
from ssl_jax.types import Array

WIDE = 128
"""Channels from which Winograd's fewer products outweigh the memory of its transforms (measured on Zen 3)."""
SMALL = 2**18
"""Numbers in an input below which one product is as fast as several, and compiled in half the time."""
KERNELS = {"kaiming": nn.initializers.variance_scaling(2.0, "fan_out", "normal"), "torch": TORCH}
"""Initial weights: normal, of variance 2 / fan-out (arXiv:1502.01852), or torch's default for a convolution."""
WIDER = 2
"""Times the channels of its input, from which the output of a 1x1 convolution is dearer to store than the covariance of
its input is to compute."""


def plain(x: Array, kernel: Array, stride: int) -> Array:
    """[n, h, w, c] with [k, k, c, o]; k // 2 zeros on every side as torch pads ("SAME" differs where stride > 1)."""
    sides = [(kernel.shape[0] // 2,) * 2] * 2
    return jax.lax.conv_general_dilated(x, kernel, (stride, stride), sides, dimension_numbers=("NHWC", "HWIO", "NHWC"))


def plain_gradients(x: Array, kernel: Array, dy: Array, stride: int) -> tuple[Array, Array]:
    """Those of `plain` by x and by the kernel, in XLA's form."""
    (dx,) = jax.linear_transpose(lambda v: plain(v, kernel, stride), x)(dy)
    return dx, jax.linear_transpose(lambda k: plain(x, k, stride), kernel)(dy)[0]


def on_cpu(x: Array, kernel: Array, stride: int) -> Array:
    """The values of `plain`."""
    if kernel.shape[0] == 1:
        return products.pointwise(x, kernel, stride)
    if _winograd(x, kernel, stride):
        return products.kept(products.winograd(products.kept(x, kernel), kernel), kernel)
    return products.patches(x, kernel, stride) if _tiny(x, kernel) else plain(x, kernel, stride)


def gradients_on_cpu(x: Array, kernel: Array, dy: Array, stride: int) -> tuple[Array, Array]:
    """Those of `plain` by x and by the kernel."""
    size = kernel.shape[0]
    if size == 1:
        dx = products.pointwise_by_input(x.shape, kernel, dy, stride)
        return dx, products.pointwise_by_kernel(x, dy, stride)
    turned = kernel[::-1, ::-1].transpose(0, 1, 3, 2)
    if _winograd(x, kernel, stride):
        x, dy = products.kept(x, kernel), products.kept(dy, kernel)
        return products.kept(products.winograd(dy, turned), kernel), products.winograd_by_kernel(x, dy)
    if stride == 1 and size % 2 and not _tiny(x, kernel):
        dx = plain(dy, turned, 1)  # in so many words: XLA's transpose has a reversed window, which a loop makes slow
    elif (size, stride) == (3, 2) and x.size >= SMALL:
        dx = products.halving_by_input(x.shape, kernel, dy)
    else:
        dx = products.patches_by_input(x, kernel, dy, stride)
    return dx, products.by_kernel(x, dy, size, stride)


def _winograd(x: Array, kernel: Array, stride: int) -> bool:
    return kernel.shape[0] == 3 and stride == 1 and min(kernel.shape[2:]) >= WIDE and x.size >= SMALL


def _tiny(x: Array, kernel: Array) -> bool:
    """Of images smaller than the kernel XLA makes the window, reversed."""
    return min(x.shape[1:3]) < kernel.shape[0]


def _forward(x: Array, kernel: Array, stride: int) -> tuple[Array, tuple[Array, Array]]:
    return by_platform(partial(plain, stride=stride), partial(on_cpu, stride=stride), x, kernel), (x, kernel)


def _backward(stride: int, residuals: tuple[Array, Array], dy: Array) -> tuple[Array, Array]:
    return by_platform(
        partial(plain_gradients, stride=stride), partial(gradients_on_cpu, stride=stride), *residuals, dy
    )


convolve = jax.custom_vjp(plain, nondiff_argnums=(2,))
convolve.defvjp(_forward, _backward)


class Conv(nn.Module):
    """A convolution without bias, k // 2 zeros on every side.

    One parameter, `kernel` [k, k, in, out]. left: a convolution of size 1 to at least `WIDER` times the channels is
    left to the norm after it, as a `Product`.
    """

    features: int
    size: int
    stride: int
    dtype: jnp.dtype
    kernel_init: nn.initializers.Initializer = KERNELS["kaiming"]
    left: bool = False

    @nn.compact
    def __call__(self, x: Array) -> Array | Product:
        shape = (self.size, self.size, x.shape[-1], self.features)
        kernel = self.param("kernel", self.kernel_init, shape, parameter_dtype(self.dtype)).astype(self.dtype)
        if self.left and self.size == 1 and self.features >= WIDER * x.shape[-1]:
            return Product(x[:, :: self.stride, :: self.stride], kernel[0, 0])
        return convolve(x, kernel, self.stride)
