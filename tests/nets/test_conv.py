"""The padding against an impulse and a loop; the CPU form of the kernel gradient against XLA's."""

import jax
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
    y = conv.plain(x, jnp.arange(9.0).reshape(3, 3, 1, 1), 2)
    assert y[0, 0, 0, 0] == 4  # the kernel's centre


FORMS = [(3, 1, 2), (3, 1, 16), (3, 2, 16), (1, 1, 16), (1, 2, 4), (7, 2, 3), (5, 3, 2)]
"""Size, stride, channels: both CPU forms of the kernel gradient."""


@pytest.mark.parametrize("size, stride, c", FORMS)
@pytest.mark.parametrize("h, w", [(5, 8), (1, 1)])
def test_the_kernel_gradient_by_product_is_the_plain_one(size, stride, c, h, w):
    draw = np.random.default_rng(0)
    for dtype, tolerance in (("float32", 1e-5), ("float64", 1e-12)):
        with jax.enable_x64(True):
            x, kernel = (jnp.asarray(draw.normal(size=s), dtype) for s in ((2, h, w, c), (size, size, c, 5)))
            dy = jnp.asarray(draw.normal(size=conv.plain(x, kernel, stride).shape), dtype)
            want, got = (
                jax.jit(lambda x, kernel, dy, f=f: jax.vjp(lambda x, k: f(x, k, stride), x, kernel)[1](dy))(
                    x, kernel, dy
                )
                for f in (conv.plain, conv.convolve)
            )
        for a, b in zip(want, got, strict=True):
            assert_allclose(b, a, rtol=tolerance, atol=tolerance * np.abs(a).max())


@pytest.mark.parametrize("size, stride, c", FORMS[:3])
def test_other_platforms_keep_the_convolution(size, stride, c):
    x, kernel = (jax.ShapeDtypeStruct(s, jnp.float32) for s in ((2, 8, 8, c), (size, size, c, 64)))
    grad = jax.jit(jax.grad(lambda x, k: conv.convolve(x, k, stride).sum() ** 2, (0, 1)))
    text = {p: grad.trace(x, kernel).lower(lowering_platforms=(p,)).as_text() for p in ("cpu", "tpu", "cuda")}
    assert text["tpu"].count("stablehlo.convolution") == text["cuda"].count("stablehlo.convolution") == 3
    assert "dot_general" not in text["tpu"] + text["cuda"]
    assert text["cpu"].count("stablehlo.convolution") == 2 and text["cpu"].count("dot_general") == 1
