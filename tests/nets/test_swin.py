"""A Swin transformer against numpy, token by token and window by window; sizes, masks, mask tokens."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from ssl_jax.nets import swin
from tests.nets.drawn import drawn

SMALL = dict(variant=(8, (2, 4), (2, 4)), patch=2)


def image(h=16, w=16, seed=0, b=2):
    return np.random.default_rng(seed).normal(size=(b, h, w, 3))


def norm(x, params):
    mean, var = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    return (x - mean) / np.sqrt(var + 1e-5) * params["scale"] + params["bias"]


def dense(x, params):
    return x @ params["kernel"] + params["bias"]


def gelu(x):
    return x * 0.5 * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))


def attended(x, params, *, window, shift, heads):
    """Every token looks at those of its own window, whose borders lie at shift, shift + window, ...: no map is rolled.

    x: [h, w, d] of one image.
    """
    h, w, d = x.shape
    q, k, v = np.split(dense(x, params["attn"]["qkv"]), 3, -1)
    out, size = np.zeros_like(x), d // heads
    for i, j in np.ndindex(h, w):
        own = ((i - shift) // window, (j - shift) // window)
        seen = [(m, n) for m, n in np.ndindex(h, w) if ((m - shift) // window, (n - shift) // window) == own]
        for head in range(heads):
            part = slice(head * size, (head + 1) * size)
            bias = params["relative_bias"][..., head]
            near = [bias[i - m + window - 1, j - n + window - 1] for m, n in seen]
            logits = np.array([q[i, j, part] @ k[m, n, part] / math.sqrt(size) for m, n in seen]) + near
            weights = np.exp(logits - logits.max())
            out[i, j, part] = sum(p * v[m, n, part] for p, (m, n) in zip(weights / weights.sum(), seen, strict=True))
    return dense(out, params["attn"]["proj"])


def stage(x, params, *, window, heads):
    window, several = min(window, *x.shape[:2]), window < min(x.shape[:2])
    for i in range(len(params["plain"]["relative_bias"])):
        for kind, shift in (("plain", 0), ("shifted", window // 2 if several else 0)):
            block = jax.tree.map(lambda leaf, i=i: leaf[i], params[kind])
            x = x + attended(norm(x, block["norm1"]), block, window=window, shift=shift, heads=heads)
            x = x + dense(gelu(dense(norm(x, block["norm2"]), block["mlp"]["fc1"])), block["mlp"]["fc2"])
    return x


def forward(x, params, *, window, hidden=None):
    """{"tokens", "stage1", "stage2"} of one image with the sizes of SMALL."""
    h, w, c = x.shape
    kernel, cut = params["patch_embed"]["kernel"], np.zeros((h // 2, w // 2, 8))
    for i, j, p, q, channel in np.ndindex(h // 2, w // 2, 2, 2, c):
        cut[i, j] += x[2 * i + p, 2 * j + q, channel] * kernel[p, q, channel]
    x = norm(cut + params["patch_embed"]["bias"], params["patch_norm"])
    if hidden is not None:
        x = np.where(hidden.reshape(h // 2, w // 2, 1), params["mask_token"][0], x)
    first = stage(x, params["stage1"]["blocks"], window=window, heads=2)
    four = np.concatenate([first[p::2, q::2] for q in (0, 1) for p in (0, 1)], -1)
    second = norm(four, params["merge1"]["norm"]) @ params["merge1"]["kernel"]
    second = stage(second, params["stage2"]["blocks"], window=window, heads=4)
    return {"stage1": first, "stage2": second, "tokens": norm(second, params["norm"]).reshape(-1, 16)}


@pytest.mark.parametrize(("window", "size"), [(2, (8, 8)), (4, (16, 8)), (3, (12, 12))])
def test_every_window_is_that_of_the_paper(strict, window, size):
    """Windows of 4 on 16 x 8 pixels are whole maps in width; of 3 on 12 x 12 shifted by 1, then one window."""
    net, x = swin.swin(window=window, mask_token=True, dtype="float64", **SMALL), image(*size)
    params, _ = drawn(net, jnp.asarray(x))
    hidden = np.random.default_rng(1).random((2, size[0] * size[1] // 4)) < 0.5
    y, _ = jax.jit(lambda p, x, hidden: net.apply(p, {}, x, train=False, hidden=hidden))(params, x, hidden)
    params = jax.tree.map(np.asarray, params)
    for i in range(2):
        expected = forward(x[i], params, window=window, hidden=hidden[i])
        assert_allclose(y["tokens"][i], expected["tokens"], rtol=1e-10, atol=1e-10)
        assert_allclose(y["maps"]["stage1"][i], expected["stage1"], rtol=1e-10, atol=1e-10)
        assert_allclose(y["maps"]["stage2"][i], expected["stage2"], rtol=1e-10, atol=1e-10)
        assert_allclose(y["pool"][i], expected["tokens"].mean(0), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(
    ("variant", "published"),  # timm 1.0, num_classes=0, less the norms of patches that timm and the paper share
    [("T", 27_519_354), ("S", 48_837_258), ("B", 86_743_224)],
)
def test_parameter_counts_are_the_published_ones(variant, published):
    x = jax.ShapeDtypeStruct((1, 224, 224, 3), jnp.float32)
    params, _ = jax.eval_shape(swin.swin(variant=variant).init, jax.random.key(0), x)
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == published


def test_hidden_patches_never_matter_and_seen_ones_do():
    net, x = swin.swin(window=2, mask_token=True, **SMALL), image(8, 8).astype(np.float32)
    params, _ = drawn(net, x)
    hidden = np.random.default_rng(1).random((2, 16)) < 0.5
    slope = jax.jit(jax.grad(lambda x: jnp.sum(net.apply(params, {}, x, train=False, hidden=hidden)[0]["tokens"] ** 2)))
    reached = np.abs(slope(x)).reshape(2, 4, 2, 4, 2, 3).max((2, 4, 5)).reshape(2, 16) > 0
    np.testing.assert_array_equal(reached, ~hidden)


def test_remat_and_drop_path(strict):
    x, key = jnp.asarray(image(8, 8)), jax.random.key(1)
    one, two = (swin.swin(window=2, drop_path=0.5, remat=r, dtype="float64", **SMALL) for r in (False, True))
    params, _ = drawn(one, x)

    def slopes(net, key):
        return jax.jit(jax.grad(lambda p: net.apply(p, {}, x, train=True, key=key)[0]["pool"].sum()))(params)

    first, second, whole = slopes(one, key), slopes(two, key), slopes(one, None)
    jax.tree.map(lambda a, b: assert_allclose(b, a, rtol=1e-10, atol=1e-12), first, second)
    differ = jax.tree.map(lambda a, b: float(jnp.abs(a - b).max()) > 1e-6, first, whole)
    assert any(jax.tree.leaves(differ))


@pytest.mark.parametrize(
    ("options", "size", "sentence"),
    [
        (dict(window=3), (16, 16), "a map of 8 x 8 tokens cannot be cut into windows of 3 x 3"),
        (dict(window=2), (15, 16), "an image of 15 x 16 pixels cannot be cut into patches of 2 x 2"),
        (dict(window=5), (10, 10), "a map of 5 x 5 tokens cannot be merged by twos"),
    ],
)
def test_images_that_do_not_fit_are_refused(options, size, sentence):
    with pytest.raises(ValueError, match=sentence):
        jax.eval_shape(swin.swin(**options, **SMALL).init, jax.random.key(0), jnp.zeros((1, *size, 3)))


@pytest.mark.parametrize(
    ("variant", "sentence"),
    [
        ("M", "no 'M' in the choices of swin variant"),
        ((8, (2, 3), (2, 2)), "stage 2 of a swin has 3 blocks; they come in pairs"),
        ((8, (2, 2), (2, 3)), "a swin stage of width 16 cannot be divided among 3 heads"),
        ((8, (2, 2), (2,)), "give one number of each for every stage"),
        ((8, 2, 2), "or .width, blocks of each stage, heads of each stage"),
    ],
)
def test_variants_that_cannot_be_are_refused(variant, sentence):
    with pytest.raises(ValueError, match=sentence):
        swin.swin(variant=variant)


def test_patches_of_another_number_or_without_a_token_are_refused():
    x = jnp.zeros((1, 8, 8, 3))
    for net, count, sentence in (
        (swin.swin(window=2, **SMALL), 16, "give it mask_token=True"),
        (
            swin.swin(window=2, mask_token=True, **SMALL),
            4,
            "4 patches of an image .* cuts it into 16: give method.patch",
        ),
    ):
        params, _ = drawn(net, x)
        with pytest.raises(ValueError, match=sentence):
            net.apply(params, {}, x, train=False, hidden=jnp.zeros((1, count), bool))
