"""Relative positions of a vision transformer against loops; where they are refused; rescaled first weights."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from ssl_jax.nets import positions, transformer
from ssl_jax.nets.vit import vit
from tests.nets.drawn import drawn

H, W, SIDE, HEADS, D = 2, 3, 3, 2, 8
X = np.random.default_rng(0).normal(size=(2, 4 * H, 4 * W, 3))
OPTIONS = dict(variant=(D, 2, HEADS, 4), positions="relative", image_size=4 * SIDE, dtype="float64")


@pytest.fixture(autouse=True)
def wide(strict):
    return strict


@pytest.mark.parametrize("cls", [False, True])
def test_each_displacement_has_a_row_of_the_table(cls):
    found = positions.between(H, W, SIDE, cls=cls)
    rows, places = {}, [(i, j) for i in range(H) for j in range(W)]
    for q, (i, j) in enumerate(places):
        for k, (m, n) in enumerate(places):
            assert rows.setdefault((i - m, j - n), found[q + cls, k + cls]) == found[q + cls, k + cls]
    assert len(set(rows.values())) == len(rows) and max(rows.values()) < (2 * SIDE - 1) ** 2
    if cls:
        free = (2 * SIDE - 1) ** 2
        assert (found[0, 1:] == free).all() and (found[1:, 0] == free + 1).all() and found[0, 0] == free + 2
    # a larger grid has the very same rows for the same displacements
    whole = positions.between(SIDE, SIDE, SIDE, cls=False).reshape(SIDE, SIDE, SIDE, SIDE)
    np.testing.assert_array_equal(whole[:H, :W, :H, :W].reshape(H * W, H * W), found[cls:, cls:])


def test_the_bias_is_added_before_the_softmax():
    generator = np.random.default_rng(1)
    x, bias = generator.normal(size=(2, 5, D)), generator.normal(size=(1, HEADS, 5, 5))
    net = transformer.Attention(HEADS, None, jnp.dtype("float64"))
    params = jax.tree.map(
        lambda s: jnp.asarray(generator.normal(size=s.shape)),
        jax.eval_shape(net.init, jax.random.key(0), jnp.asarray(x))["params"],
    )
    found, _ = net.apply({"params": params}, jnp.asarray(x), None, jnp.asarray(bias))
    (wq, bq), (wo, bo) = ((np.asarray(params[n]["kernel"]), np.asarray(params[n]["bias"])) for n in ("qkv", "proj"))
    expected, size = np.zeros_like(x), D // HEADS
    for b in range(2):
        q, k, v = np.split(x[b] @ wq + bq, 3, -1)
        heads = []
        for h in range(HEADS):
            own = slice(h * size, (h + 1) * size)
            logits = q[:, own] @ k[:, own].T / np.sqrt(size) + bias[0, h]
            weights = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
            heads.append(weights @ v[:, own])
        expected[b] = np.concatenate(heads, 1) @ wo + bo
    assert_allclose(found, expected, rtol=1e-10)


def test_they_are_all_that_tells_where_a_patch_is():
    """Without them, at first, the order of the patches does not matter; with them it does."""
    net = vit(**OPTIONS, pool="mean")
    params, _ = drawn(net, X)
    turned = X[:, ::-1][:, np.arange(4 * H).reshape(H, 4)[:, ::-1].reshape(-1)]  # rows of patches change places
    embed = jax.jit(lambda p, x: net.apply(p, {}, x, train=False)[0]["pool"])
    none = {**params, "relative_bias": jnp.zeros_like(params["relative_bias"])}
    assert_allclose(embed(none, X), embed(none, turned), rtol=1e-9)
    assert not np.allclose(embed(params, X), embed(params, turned), rtol=1e-3)
    assert params["relative_bias"].shape == ((2 * SIDE - 1) ** 2 + 3, HEADS)


def test_rescaled_weights_begin_over_the_root_of_twice_the_layer():
    one, other = (
        jax.jit(vit(variant=(D, 3, HEADS, 4), rescaled=rescaled).init)(jax.random.key(0), X[:1].astype(np.float32))[0]
        for rescaled in (False, True)
    )
    ratio = np.sqrt(2 * np.arange(1, 4))[:, None, None]
    for part, last in (("attn", "proj"), ("mlp", "fc2")):
        kernels = (np.asarray(net["blocks"][part].pop(last)["kernel"]) for net in (one, other))
        assert_allclose(next(kernels), next(kernels) * ratio, rtol=1e-6)
    jax.tree.map(np.testing.assert_array_equal, one, other)  # and nothing else is another


def test_what_relative_positions_cannot_have_is_a_sentence():
    with pytest.raises(ValueError, match="registers have no place to be relative to"):
        jax.eval_shape(vit(**OPTIONS, registers=1).init, jax.random.key(0), X)
    net = vit(**OPTIONS)
    with pytest.raises(ValueError, match="those of 3 x 3 patches, and an image has 4 x 3: give image_size=16"):
        jax.eval_shape(net.init, jax.random.key(0), jnp.zeros((1, 16, 12, 3)))
    params = jax.eval_shape(net.init, jax.random.key(0), X)[0]
    with pytest.raises(ValueError, match="none can be left out: hide them instead"):
        jax.eval_shape(lambda p: net.apply(p, {}, X, train=False, keep=jnp.zeros((2, 1), jnp.int32)), params)
