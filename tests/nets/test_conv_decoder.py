"""A decoder's sizes, and its transposed convolution against one by loops."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ssl_jax.nets import conv_decoder, strided_conv


def by_loops(x, kernel):
    """Every pixel adds its product with the kernel around twice its place."""
    b, h, w, _ = x.shape
    y = np.zeros((b, 2 * h + 2, 2 * w + 2, kernel.shape[-1]))
    for i in range(h):
        for j in range(w):
            y[:, 2 * i : 2 * i + 4, 2 * j : 2 * j + 4] += np.einsum("bc,klco->bklo", x[:, i, j], kernel)
    return y[:, 1:-1, 1:-1]


def test_a_transposed_convolution_by_loops(strict):
    generator = np.random.default_rng(0)
    x, kernel, dy = (generator.normal(size=s) for s in ((2, 3, 5, 2), (4, 4, 2, 3), (2, 6, 10, 3)))
    value, back = jax.vjp(conv_decoder.transposed, jnp.asarray(x), jnp.asarray(kernel))
    np.testing.assert_allclose(value, by_loops(x, kernel), atol=1e-12)
    dx, dk = back(jnp.asarray(dy))  # linear in each, so that products tell the gradients
    v, k = generator.normal(size=x.shape), generator.normal(size=kernel.shape)
    np.testing.assert_allclose(np.sum(np.asarray(dx) * v), np.sum(dy * by_loops(v, kernel)), rtol=1e-10)
    np.testing.assert_allclose(np.sum(np.asarray(dk) * k), np.sum(dy * by_loops(x, k)), rtol=1e-10)


@pytest.mark.parametrize("upsampling", ["resize", "transposed"])
def test_the_image_has_the_size_that_was_asked_for(upsampling):
    net = conv_decoder.conv_decoder(size=12, channels=2, widths=(4, 4), upsampling=upsampling, output="tanh")
    params, stats = jax.eval_shape(net.init, jax.random.key(0), jnp.zeros((3, 5)))
    made, _ = jax.eval_shape(lambda p, s: net.apply(p, s, jnp.zeros((3, 5)), train=True), params, stats)
    assert made.shape == (3, 12, 12, 2) and made.dtype == jnp.float32
    assert params["linear"]["kernel"].shape == (5, 3 * 3 * 4) and "bias" not in params["linear"]


def test_what_makes_no_sense_is_a_sentence():
    with pytest.raises(ValueError, match="size is 30 and 2 widths double it as often: give a multiple of 4"):
        conv_decoder.conv_decoder(size=30, widths=(4, 4))
    with pytest.raises(ValueError, match="no 'bilinear' in the choices of upsampling"):
        conv_decoder.conv_decoder(size=32, upsampling="bilinear")
    with pytest.raises(ValueError, match="needs one width or more"):
        strided_conv.conv_encoder(widths=())
