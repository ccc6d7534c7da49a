"""I-JEPA's predictor, and what a vision transformer gives it: places that are not real, and layers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from ssl_jax.nets.latent_predictor import latent_predictor
from ssl_jax.nets.vit import vit
from tests.nets.drawn import drawn

KEEP = np.array([[0, 4, 9, 0], [2, 3, 11, 5]], np.int32)
SEEN = np.array([[True, True, True, False], [True] * 4])
AT = np.array([[[1, 5, 0], [6, 7, 0]], [[1, 4, 8], [6, 7, 10]]], np.int32)
ASKED = np.array([[[True, True, False]] * 2, [[True] * 3] * 2])
TOKENS = np.random.default_rng(0).normal(size=(2, 4, 12)).astype(np.float32)
IMAGES = np.random.default_rng(0).normal(size=(2, 12, 16, 3)).astype(np.float32)  # 3 x 4 patches


@pytest.fixture(scope="module")
def net():
    made = latent_predictor(width=8, layers=2, heads=2)
    return made, drawn(made, {"tokens": jnp.asarray(TOKENS)})[0]


def out(net, tokens=TOKENS, keep=KEEP, seen=SEEN, at=AT, asked=ASKED):
    made, params = net
    options = dict(keep=keep, seen=seen, at=at, asked=asked)
    return np.asarray(RUN(made.apply, params, {"tokens": tokens}, options))


RUN = jax.jit(lambda apply, p, x, o: apply(p, {}, x, train=True, grid=(3, 4), **o)[0], static_argnums=0)


def test_the_output_is_as_wide_as_the_input_and_each_place_its_own(net):
    assert set(net[1]) == {"embed", "mask_token", "blocks", "norm", "pred"}
    y = out(net)
    assert y.shape == (2, 2, 3, 12) and y.dtype == np.float32
    assert len(np.unique(y[1].reshape(-1, 12).round(5), axis=0)) == 6


def test_what_is_not_real_is_looked_at_by_nobody(net):
    whole = out(net)
    other = TOKENS.copy()
    other[0, 3] = 100
    keep, at = KEEP.copy(), AT.copy()
    keep[0, 3], at[0, :, 2] = 8, 11
    assert_allclose(out(net, other, keep, at=at)[0, :, :2], whole[0, :, :2], rtol=1e-6)
    assert np.abs(out(net, other, keep, seen=np.ones_like(SEEN)) - whole)[0].max() > 1e-3


def test_blocks_are_predicted_apart_and_the_order_of_lists_does_not_matter(net):
    whole = out(net)
    assert_allclose(out(net, at=AT[:, 1:], asked=ASKED[:, 1:])[:, 0], whole[:, 1], rtol=1e-5, atol=1e-6)
    turned = out(net, TOKENS[:, ::-1], KEEP[:, ::-1], SEEN[:, ::-1], AT[..., ::-1], ASKED[..., ::-1])
    assert_allclose(turned[..., ::-1, :][ASKED], whole[ASKED], rtol=1e-5, atol=1e-6)


def test_bad_options_are_sentences():
    with pytest.raises(ValueError, match="width 10 cannot be divided among 4 heads"):
        latent_predictor(width=10, heads=4)
    with pytest.raises(ValueError, match="layers"):
        latent_predictor(layers=0)


def test_a_vit_sees_the_real_ones_alone():
    net = vit(variant=(16, 2, 2, 4), pool="mean", registers=1)
    params, _ = drawn(net, IMAGES)
    run = jax.jit(lambda keep, seen: net.apply(params, {}, IMAGES, train=True, keep=keep, seen=seen)[0])
    y, fewer = run(KEEP, SEEN), net.apply(params, {}, IMAGES[:1], train=True, keep=KEEP[:1, :3])[0]
    assert_allclose(y["tokens"][0, :3], fewer["tokens"][0], rtol=1e-5, atol=1e-6)
    assert_allclose(y["pool"][0], fewer["pool"][0], rtol=1e-5, atol=1e-6)
    whole = net.apply(params, {}, IMAGES, train=True, keep=KEEP)[0]
    assert_allclose(y["pool"][1], whole["pool"][1], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("options", [{}, {"scan": False}, {"remat": True}])
def test_a_vit_tells_its_last_layers(options):
    """The last of them with the final norm are the tokens, and the first of them those of a shallower network."""
    net = vit(variant=(16, 3, 2, 4), pool="mean", **options)
    params, _ = drawn(net, IMAGES)
    y = jax.jit(lambda p: net.apply(p, {}, IMAGES, train=True, last_layers=2)[0])(params)
    plain = net.apply(params, {}, IMAGES, train=True)[0]
    assert y["layers"].shape == (2, 2, 12, 16) and "layers" not in plain
    assert_allclose(y["tokens"], plain["tokens"], rtol=1e-5, atol=1e-6)
    scale, shift = (params["norm"][name] for name in ("scale", "bias"))

    def normed(x):
        return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-6) * scale + shift

    assert_allclose(normed(y["layers"][:, 1]), y["tokens"], rtol=1e-4, atol=1e-5)
    shallow = vit(variant=(16, 2, 2, 4), pool="mean")
    fewer = {**params, "blocks": jax.tree.map(lambda a: a[:2], params["blocks"])}
    assert_allclose(
        normed(y["layers"][:, 0]), shallow.apply(fewer, {}, IMAGES, train=True)[0]["tokens"], rtol=1e-4, atol=1e-5
    )


def test_what_a_vit_cannot_tell_is_a_sentence():
    net = vit(variant=(16, 2, 2, 4))
    params, _ = drawn(net, IMAGES)
    with pytest.raises(ValueError, match="the last 3 layers are asked of a network that has 2"):
        net.apply(params, {}, IMAGES, train=True, last_layers=3)
    with pytest.raises(ValueError, match="pass keep= as well"):
        net.apply(params, {}, IMAGES, train=True, seen=SEEN)
