"""The padding, against an impulse and a loop."""

import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from ssl_jax.nets import conv


def loops(x, kernel, stride):
    """A convolution with k // 2 zeros on every side, pixel by pixel."""
    k = kernel.shape[0]
    x = np.pad(x, ((0, 0), (k // 2,) * 2, (k // 2,) * 2, (0, 0)))
    h, w = ((s - k) // stride + 1 for s in x.shape[1:3])
    y = np.empty((len(x), h, w, kernel.shape[-1]))
    for i in range(h):
        for j in range(w):
            y[:, i, j] = np.tensordot(x[:, i * stride : i * stride + k, j * stride : j * stride + k], kernel, 3)
    return y


@pytest.mark.parametrize(("size", "stride"), [(1, 1), (1, 2), (3, 1), (3, 2), (7, 2)])
def test_module_pads_half_the_kernel_on_every_side(strict, size, stride):
    draw = np.random.default_rng(0)
    x, kernel = draw.normal(size=(2, 8, 7, 3)), draw.normal(size=(size, size, 3, 4))
    module = conv.Conv(4, size, stride, jnp.dtype("float64"))
    y = module.apply({"params": {"kernel": jnp.asarray(kernel)}}, jnp.asarray(x))
    assert_allclose(y, loops(x, kernel, stride), rtol=1e-12, atol=1e-12)


def test_an_impulse_shows_that_stride_two_starts_at_the_corner():
    """With "SAME" XLA would pad an even image on the right only, and the corner would meet the kernel's corner."""
    x = jnp.zeros((1, 4, 4, 1)).at[0, 0, 0, 0].set(1.0)
    y = conv.convolve(x, jnp.arange(9.0).reshape(3, 3, 1, 1), 2)
    assert y[0, 0, 0, 0] == 4  # the kernel's center
