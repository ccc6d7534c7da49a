"""iGPT's transformer against loops in numpy, its causality, its colors and what it refuses."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from ssl_jax.nets.pixel_transformer import nearest, pixel_transformer
from ssl_jax.passes import patch_codes
from tests.nets.drawn import drawn

K, SIDE, D, LAYERS, HEADS = 5, 3, 8, 3, 2
L = SIDE * SIDE
G = np.random.default_rng(0)
X = G.normal(size=(2, SIDE, SIDE, 3))
CODES = G.integers(0, K, (2, L)).astype(np.int32)
SIZES = dict(colors=K, image_size=SIDE, width=D, layers=LAYERS, heads=HEADS, dtype="float64")


@pytest.fixture(autouse=True)
def wide(strict):
    return strict


def made(**options):
    net = pixel_transformer(**{**SIZES, **options})
    params, _ = drawn(net, X)
    return net, params, {"palette": jnp.asarray(G.normal(size=(K, 3)))}


def normed(x, scale):
    return x / np.sqrt(np.mean(x**2, -1, keepdims=True) + 1e-5) * scale


def oracle(params, codes, *, causal, hidden=None, layer=LAYERS // 2):
    """(logits, pool) of one sequence, position by position."""
    p = jax.tree.map(np.asarray, params)
    x = np.stack([p["token_embed"][code] for code in codes])
    if causal:
        x = np.concatenate([p["sos"][0], x[:-1]])
    elif hidden is not None:
        x[hidden] = 0
    x, pool = x + p["pos_embed"][0], None
    for i in range(LAYERS):
        block = jax.tree.map(lambda a, i=i: a[i], p["blocks"])
        y = normed(x, block["norm1"]["scale"])
        pool = y.mean(0) if i == layer else pool
        q, k, v = np.split(y @ block["qkv"], 3, -1)
        out, size = np.zeros_like(x), D // HEADS
        for head in range(HEADS):
            own = slice(head * size, (head + 1) * size)
            for t in range(L):
                seen = range(t + 1) if causal else range(L)
                e = np.exp([q[t, own] @ k[s, own] / np.sqrt(size) for s in seen])
                out[t, own] = sum(w * v[s, own] for w, s in zip(e / e.sum(), seen, strict=True))
        x = x + out @ block["proj"]
        y = normed(x, block["norm2"]["scale"]) @ block["fc1"]
        x = x + (y / (1 + np.exp(-1.702 * y))) @ block["fc2"]
    x = normed(x, p["norm"]["scale"])
    return x @ p["head"].T, x.mean(0) if layer == LAYERS else pool


@pytest.mark.parametrize(("causal", "layer"), [(True, None), (False, LAYERS)])
def test_it_is_the_transformer_of_the_formulas(causal, layer):
    net, params, stats = made(causal=causal, layer=layer)
    hidden = None if causal else G.random((2, L)) < 0.3
    options = {} if causal else {"hidden": jnp.asarray(hidden)}
    y, _ = jax.jit(lambda p, o: net.apply(p, stats, CODES, train=True, predict=True, **o))(params, options)
    for i in range(2):
        more = dict(hidden=None if causal else hidden[i], layer=LAYERS // 2 if layer is None else layer)
        logits, pool = oracle(params, CODES[i], causal=causal, **more)
        assert_allclose(y["logits"][i], logits, rtol=1e-9, atol=1e-12)
        assert_allclose(y["pool"][i], pool, rtol=1e-9, atol=1e-12)


def test_what_is_said_of_a_pixel_depends_on_those_before_it_alone():
    """By the gradient of each place's logits by the embeddings, which are all different: no color comes twice."""
    net, params, stats = made(colors=L)
    codes = jnp.asarray(G.permutation(L)[None], jnp.int32)

    def said(table):
        return net.apply({**params, "token_embed": table}, stats, codes, train=False, predict=True)[0]["logits"][0]

    reach = np.abs(jax.jit(jax.jacrev(said))(params["token_embed"])).sum((1, 3))[:, np.asarray(codes[0])]
    later = np.triu(np.ones((L, L), bool))
    assert (reach[later] == 0).all() and (reach[~later] > 0).all()


def test_it_begins_at_no_preference():
    net = pixel_transformer(**{**SIZES, "dtype": "float32"})
    params, stats = jax.jit(net.init)(jax.random.key(0), X.astype(np.float32))
    y, _ = net.apply(params, stats, CODES, train=False, predict=True)
    assert (np.asarray(y["logits"]) == 0).all()
    assert float(jnp.abs(y["pool"]).min()) > 0
    spreads = {"qkv": D**-0.5, "proj": (D * LAYERS) ** -0.5, "fc1": 0.02, "fc2": 0.02}
    for name, std in spreads.items():
        assert abs(float(params["blocks"][name].std()) / std - 1) < 0.2, name


def test_images_are_their_nearest_colors():
    net, params, stats = made()
    palette = np.asarray(stats["palette"])
    expected = np.zeros((2, L), int)
    for i, t in np.ndindex(2, L):
        pixel = X[i, t // SIDE, t % SIDE]
        expected[i, t] = min(range(K), key=lambda k: sum((pixel - palette[k]) ** 2))
    found = nearest(jnp.asarray(X), stats["palette"])
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(patch_codes.codes(jnp.asarray(X).reshape(2, L, 3), stats["palette"]), expected)
    again = nearest(stats["palette"][found].reshape(X.shape), stats["palette"])
    np.testing.assert_array_equal(again, expected)  # quantized twice is quantized once
    image, colors = (net.apply(params, stats, x, train=False)[0] for x in (jnp.asarray(X), expected))
    assert_allclose(image["pool"], colors["pool"], rtol=1e-12)


def test_scan_and_remat_change_nothing():
    net, params, stats = made()
    plain = net.apply(params, stats, CODES, train=False, predict=True)[0]["logits"]
    other = pixel_transformer(**SIZES, scan=False, remat=True).apply(params, stats, CODES, train=False, predict=True)
    assert_allclose(other[0]["logits"], plain, rtol=1e-10, atol=1e-13)


def test_what_cannot_be_is_a_sentence():
    net, params, stats = made()
    with pytest.raises(ValueError, match=r"the pixels of \[4, 4\] have no positions: give nets.encoder image_size=4"):
        jax.eval_shape(net.init, jax.random.key(0), jnp.zeros((1, 4, 4, 3)))
    with pytest.raises(ValueError, match="a causal network has no hidden pixels"):
        net.apply(params, stats, CODES, train=False, hidden=jnp.zeros((2, L), bool))
    net, params, stats = made(causal=False)
    with pytest.raises(ValueError, match="sees the pixels that it is asked for"):
        net.apply(params, stats, CODES, train=True)
    with pytest.raises(ValueError, match="layer is 4; it must be at most 3"):
        pixel_transformer(**SIZES, layer=4)
