"""MAE's decoder: places, mask tokens, the way from the encoder."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from ssl_jax.nets.decoders import mae_decoder, place
from ssl_jax.nets.vit import vit
from tests.nets.drawn import drawn

KEEP = np.array([[4, 0, 9], [11, 2, 3]], np.int32)
TOKENS = np.random.default_rng(0).normal(size=(2, 3, 6)).astype(np.float32)
CLS = np.random.default_rng(1).normal(size=(2, 6)).astype(np.float32)


def test_place_against_a_loop():
    filler = jnp.arange(6.0).reshape(1, 1, 6)
    want = np.broadcast_to(filler, (2, 12, 6)).copy()
    for i, row in enumerate(KEEP):
        want[i, row] = TOKENS[i]
    assert_allclose(place(jnp.asarray(TOKENS), KEEP, 12, filler), want, rtol=0)


def decode(net, params, x, **options):
    return jax.jit(lambda p, x, o: net.apply(p, {}, x, train=True, grid=(3, 4), **o)[0])(params, x, options)


def test_shapes_and_the_order_of_kept_tokens_does_not_matter():
    net = mae_decoder(patch=2, channels=3, width=8, layers=2, heads=2)
    x = {"tokens": jnp.asarray(TOKENS), "cls": jnp.asarray(CLS)}
    params, stats = drawn(net, x)
    assert stats == {} and set(params) == {"embed", "mask_token", "blocks", "norm", "pred"}
    y = decode(net, params, x, keep=KEEP)
    assert y.shape == (2, 12, 12) and y.dtype == jnp.float32
    hidden = np.setdiff1d(np.arange(12), KEEP[0])  # one mask token, but each place has its own position
    assert len(np.unique(np.asarray(y)[0, hidden].round(5), axis=0)) == len(hidden)
    turned = decode(net, params, x | {"tokens": x["tokens"][:, ::-1]}, keep=KEEP[:, ::-1])
    assert_allclose(turned, y, rtol=1e-5, atol=1e-6)
    assert float(jnp.abs(decode(net, params, x | {"cls": -x["cls"]}, keep=KEEP) - y).max()) > 1e-4  # cls is heard
    assert decode(net, params, {"tokens": x["tokens"]}, keep=KEEP).shape == y.shape


def test_from_image_to_pixels_with_gradients_everywhere():
    encoder = vit(variant=(8, 1, 2, 2), pool="mean")
    decoder = mae_decoder(patch=2, channels=1, width=8, layers=1, heads=2)
    images = jnp.asarray(np.random.default_rng(0).normal(size=(2, 6, 8, 1)), jnp.float32)
    first, _ = drawn(encoder, images)
    seen = jax.eval_shape(lambda p: encoder.apply(p, {}, images, train=True, keep=KEEP)[0], first)
    second, _ = drawn(decoder, jax.tree.map(lambda s: jnp.zeros(s.shape, s.dtype), seen), 1)

    def loss(p, q):
        y, _ = encoder.apply(p, {}, images, train=True, keep=KEEP)
        return jnp.square(decoder.apply(q, {}, y, train=True, grid=(3, 4), keep=KEEP)[0]).sum()

    for leaf in jax.tree.leaves(jax.jit(jax.grad(loss, (0, 1)))(first, second)):
        assert np.isfinite(leaf).all() and np.abs(leaf).max() > 0


def test_all_tokens_need_no_keep_and_few_tokens_do():
    net = mae_decoder(patch=2, width=8, layers=1, heads=2)
    x = {"tokens": jnp.asarray(np.random.default_rng(0).normal(size=(2, 12, 6)), jnp.float32)}
    params, _ = drawn(net, x)
    everything = np.broadcast_to(np.arange(12, dtype=np.int32), (2, 12))
    assert_allclose(decode(net, params, x), decode(net, params, x, keep=everything), rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match="3 tokens do not fill a grid of 3 x 4"):
        decode(net, params, {"tokens": jnp.asarray(TOKENS)})
    with pytest.raises(ValueError, match="width 10 cannot be divided among 4 heads"):
        mae_decoder(patch=2, width=10, heads=4)
