"""The discrete VAE's blocks against convolutions written out, its sizes, and what it refuses."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.signal import correlate

from ssl_jax.nets.dvae import dvae_decoder, dvae_encoder
from tests.nets.drawn import drawn

X = np.random.default_rng(0).normal(size=(2, 8, 12, 3))


def conv(x, layer):
    """[h, w, c] with [k, k, c, o], zeros around."""
    kernel, bias = np.asarray(layer["kernel"]), np.asarray(layer["bias"])
    planes = [
        sum(correlate(x[..., c], kernel[..., c, o], "same") for c in range(x.shape[-1])) for o in range(len(bias))
    ]
    return np.stack(planes, -1) + bias


def block(x, layers, gain):
    y = x
    for i in range(1, 5):
        y = conv(np.maximum(y, 0), layers[f"conv{i}"])
    return (conv(x, layers["shortcut"]) if "shortcut" in layers else x) + gain * y


def test_the_encoder_is_its_formulas(strict):
    net = dvae_encoder(codes=5, width=4, groups=2, blocks=1, dtype="float64")
    params, _ = drawn(net, X)
    y, _ = jax.jit(lambda p: net.apply(p, {}, X, train=False))(params)
    for i in range(2):
        x = block(conv(X[i], params["input"]), params["group1"]["block1"], 1 / 4)
        x = x.reshape(4, 2, 6, 2, -1).max((1, 3))
        x = np.maximum(block(x, params["group2"]["block1"], 1 / 4), 0)
        assert_allclose(y["pool"][i], x.mean((0, 1)), rtol=1e-9)
        assert_allclose(y["logits"][i], conv(x, params["output"]), rtol=1e-9, atol=1e-10)
    assert [k.shape[0] for k in (params["group1"]["block1"][f"conv{i}"]["kernel"] for i in range(1, 5))] == [3, 3, 3, 1]


def test_the_decoder_is_its_formulas(strict):
    shares = np.random.default_rng(1).dirichlet(np.ones(5), (2, 4, 6))
    net = dvae_decoder(start=4, width=4, groups=2, blocks=1, dtype="float64")
    params, _ = drawn(net, shares)
    y, _ = jax.jit(lambda p: net.apply(p, {}, shares, train=False))(params)
    for i in range(2):
        x = block(conv(shares[i], params["input"]), params["group1"]["block1"], 1 / 4)
        x = block(x.repeat(2, 0).repeat(2, 1), params["group2"]["block1"], 1 / 4)
        assert_allclose(y[i], conv(np.maximum(x, 0), params["output"]), rtol=1e-9, atol=1e-10)
    assert y.shape == X.shape


def test_the_published_size():
    """DALL-E's: an eighth of the side, 8192 codes, of 2048 features."""
    x = jax.ShapeDtypeStruct((1, 112, 112, 3), jnp.float32)
    params, _ = jax.eval_shape(dvae_encoder().init, jax.random.key(0), x)
    y = jax.eval_shape(lambda p, x: dvae_encoder().apply(p, {}, x, train=False)[0], params, x)
    assert y["logits"].shape == (1, 14, 14, 8192) and y["pool"].shape == (1, 2048)
    made = dvae_decoder().apply
    shape = jax.ShapeDtypeStruct(y["logits"].shape, jnp.float32)
    decoder, _ = jax.eval_shape(dvae_decoder().init, jax.random.key(0), shape)
    assert jax.eval_shape(lambda p, s: made(p, {}, s, train=False)[0], decoder, shape).shape == (1, 112, 112, 3)


def test_what_cannot_be_is_a_sentence():
    with pytest.raises(ValueError, match="width is 6: take a multiple of 4"):
        dvae_encoder(width=6)
    with pytest.raises(ValueError, match="an image of 6 x 8 pixels is not halved 2 times"):
        jax.eval_shape(dvae_encoder(width=4, groups=3).init, jax.random.key(0), jnp.zeros((1, 6, 8, 3)))
