"""Causality and padding by gradients, the pool at the end of the text against loops in numpy, the published size."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from ssl_jax.nets.text import text_transformer
from tests.nets.drawn import drawn

SMALL = dict(vocabulary=11, length=9, width=8, layers=2, heads=2)
TOKENS = np.array([[3, 4, 5, 6, 2, 0, 0], [7, 8, 2, 0, 0, 0, 0], [9, 10, 3, 4, 5, 6, 2]], np.int32)


def made(**options):
    net = text_transformer(**{**SMALL, **options})
    return net, drawn(net, TOKENS)[0]


def out(net, params, tokens):
    return jax.jit(lambda p, x: net.apply(p, {}, x, train=False)[0])(params, tokens)


def influence(net, params):
    """Norm of d tokens[b, i] / d embedding of position j of the same text, [b, i, j]; positions stand for tokens."""
    places = params["pos_embed"][:, : TOKENS.shape[1]]

    def of(places, text):
        moved = {**params, "pos_embed": params["pos_embed"].at[:, : TOKENS.shape[1]].set(places)}
        return net.apply(moved, {}, text[None], train=False)[0]["tokens"][0]

    slopes = jax.jit(jax.vmap(jax.jacrev(of), (None, 0)))(places, TOKENS)  # [b, i, d, 1, j, d]
    return np.sqrt(np.square(slopes[:, :, :, 0]).sum((2, 4)))


def test_a_token_sees_those_before_it_and_no_padding(strict):
    found = influence(*made(dtype="float64"))
    for text, slopes in zip(TOKENS, found, strict=True):
        real = int((text != 0).sum())
        for i in range(real):
            assert (slopes[i, : i + 1] > 1e-6).all()
            assert (slopes[i, i + 1 :] == 0).all()


def test_without_causality_a_token_sees_the_whole_text_and_no_padding(strict):
    found = influence(*made(dtype="float64", causal=False))
    for text, slopes in zip(TOKENS, found, strict=True):
        real = int((text != 0).sum())
        assert (slopes[:real, :real] > 1e-6).all() and (slopes[:real, real:] == 0).all()


@pytest.mark.parametrize("causal", [True, False])
def test_padding_changes_nothing(strict, causal):
    net, params = made(dtype="float64", causal=causal)
    short = out(net, params, TOKENS[1:2, :3])
    longer = out(net, params, np.pad(TOKENS[1:2, :3], ((0, 0), (0, 6))))
    assert_allclose(longer["pool"], short["pool"], rtol=1e-12)
    assert_allclose(longer["tokens"][:, :3], short["tokens"], rtol=1e-12)
    assert_allclose(out(net, params, TOKENS)["pool"][1:2], short["pool"], rtol=1e-12)


def test_the_pool_is_the_last_token_of_the_text():
    net, params = made()
    y = out(net, params, TOKENS)
    assert {k: (v.shape, v.dtype) for k, v in y.items()} == {
        "pool": ((3, 8), jnp.float32),
        "tokens": ((3, 7, 8), jnp.float32),
    }
    for row, last in enumerate((4, 2, 6)):
        assert_allclose(y["pool"][row], y["tokens"][row, last], rtol=1e-6)
    nothing = out(net, params, np.zeros((1, 5), np.int32))
    assert np.isfinite(nothing["tokens"]).all()
    assert_allclose(nothing["pool"], nothing["tokens"][:, 0], rtol=0)


def by_loops(params, text, *, heads, eps):
    """One text, token by token, in numpy float64: figures and equations of arXiv:1706.03762, pre-norm."""

    def norm(x, p):
        return (x - x.mean()) / np.sqrt(x.var() + eps) * p["scale"] + p["bias"]

    def dense(x, p):
        return x @ p["kernel"] + p["bias"]

    x = [params["token_embed"][t] + params["pos_embed"][0, i] for i, t in enumerate(text)]
    depth, d = params["blocks"]["norm1"]["scale"].shape
    for layer in range(depth):
        p = jax.tree.map(lambda a, layer=layer: a[layer], params["blocks"])
        q, k, v = zip(*(np.split(dense(norm(y, p["norm1"]), p["attn"]["qkv"]), 3) for y in x), strict=True)
        for i in range(len(x)):
            seen = []
            for part in np.split(np.arange(d), heads):
                weights = np.exp([q[i][part] @ k[j][part] / np.sqrt(d / heads) for j in range(i + 1)])
                seen.append(sum(w * v[j][part] for j, w in enumerate(weights / weights.sum())))
            x[i] = x[i] + dense(np.concatenate(seen), p["attn"]["proj"])
        for i in range(len(x)):
            y = dense(norm(x[i], p["norm2"]), p["mlp"]["fc1"])
            x[i] = x[i] + dense(y / (1 + np.exp(-1.702 * y)), p["mlp"]["fc2"])
    return norm(x[-1], params["norm"])


def test_the_pool_against_loops_in_numpy(strict):
    net, params = made(dtype="float64")
    y, plain = out(net, params, TOKENS), jax.tree.map(np.asarray, params)
    for row, text in enumerate(TOKENS):
        expected = by_loops(plain, text[text != 0], heads=2, eps=1e-5)
        assert_allclose(y["pool"][row], expected, rtol=1e-10, atol=1e-12)


def test_the_size_is_that_of_clips_text_tower():
    tokens = jax.ShapeDtypeStruct((1, 77), jnp.int32)
    params, stats = jax.eval_shape(text_transformer().init, jax.random.key(0), tokens)
    assert stats == {}
    # transformers' CLIPTextModel of openai/clip-vit-base-patch32
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == 63_165_952


def test_scan_and_remat_change_nothing():
    net, params = made()
    y = out(net, params, TOKENS)["pool"]
    for options in (dict(scan=False), dict(remat=True)):
        assert_allclose(out(text_transformer(**SMALL, **options), params, TOKENS)["pool"], y, rtol=1e-5, atol=1e-6)


def test_bfloat16_computes_and_gives_float32():
    net, params = made(dtype="bfloat16")
    assert {leaf.dtype for leaf in jax.tree.leaves(params)} == {jnp.dtype("float32")}
    y = out(net, params, TOKENS)["pool"]
    assert y.dtype == jnp.float32
    assert_allclose(y, out(text_transformer(**SMALL), params, TOKENS)["pool"], atol=0.1)


def test_a_token_that_the_vocabulary_lacks_is_not_taken_for_another():
    net, params = made()
    y = out(net, params, np.array([[3, 11, 2], [3, 10, 2]], np.int32))["pool"]
    assert np.isnan(y[0]).all() and np.isfinite(y[1]).all()


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="width 8 cannot be divided among 3 heads"):
        text_transformer(**{**SMALL, "heads": 3})
    with pytest.raises(ValueError, match="the choices of activation"):
        text_transformer(activation="swish")
    net, params = made()
    with pytest.raises(ValueError, match="texts of 10 tokens are longer than the 9 that have positions"):
        out(net, params, np.ones((1, 10), np.int32))
    with pytest.raises(ValueError, match=r"takes tokens int32 \[b, l\], not float32 \[1, 4\]"):
        out(net, params, np.ones((1, 4), np.float32))
