"""Sizes against timm's, kept patches, positions, scan, drop path, dtypes.

Beside these, small networks were compared with timm once, in float64, with its weights (learned positions, layer
scale, registers, no cls): output, tokens and gradient agree to 1e-14.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from ssl_jax.nets import positions, transformer
from ssl_jax.nets.vit import vit
from tests.nets.drawn import drawn

SMALL = (16, 2, 2, 4)
X = np.random.default_rng(0).normal(size=(2, 12, 16, 3)).astype(np.float32)  # 3 x 4 patches


def made(**options):
    net = vit(**{"variant": SMALL, **options})
    return net, drawn(net, X)[0]


def out(net, params, x, **options):
    return jax.jit(lambda p, x, o: net.apply(p, {}, x, train=False, **o)[0])(params, x, options)


@pytest.mark.parametrize(
    ("variant", "published"),  # timm 1.0, num_classes=0
    [
        ("Ti/16", 5_524_416),
        ("S/16", 21_665_664),
        ("B/16", 85_798_656),
        ("L/16", 303_301_632),
        ("H/14", 630_764_800),
    ],
)
def test_parameter_counts_are_the_published_ones(variant, published):
    x = jax.ShapeDtypeStruct((1, 224, 224, 3), jnp.float32)
    params, _ = jax.eval_shape(vit(variant=variant, positions="learned").init, jax.random.key(0), x)
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == published
    d, layers = params["norm"]["scale"].size, {"T": 12, "S": 12, "B": 12, "L": 24, "H": 32}[variant[0]]
    assert params["blocks"]["attn"]["qkv"]["kernel"].shape == (layers, d, 3 * d)


def test_outputs_and_pools():
    net, params = made(registers=2)
    y = out(net, params, X)
    assert {k: v.shape for k, v in y.items()} == {"pool": (2, 16), "cls": (2, 16), "tokens": (2, 12, 16)}
    assert_allclose(y["pool"], y["cls"], rtol=0)
    mean = out(vit(variant=SMALL, registers=2, pool="mean"), params, X)
    assert_allclose(mean["pool"], y["tokens"].mean(1), rtol=1e-5, atol=1e-6)
    without, fewer = made(cls_token=False, pool="mean")
    assert set(out(without, fewer, X)) == {"pool", "tokens"}


def test_keeping_all_patches_in_another_order_permutes_the_tokens(strict):
    net = vit(variant=SMALL, dtype="float64")
    x = jnp.asarray(X, "float64")
    params, _ = drawn(net, x)
    keep = np.stack([np.random.default_rng(i).permutation(12) for i in range(2)]).astype(np.int32)
    whole, kept = out(net, params, x), out(net, params, x, keep=keep)
    assert_allclose(kept["cls"], whole["cls"], rtol=1e-12, atol=1e-13)
    assert_allclose(kept["tokens"], np.take_along_axis(np.asarray(whole["tokens"]), keep[..., None], 1), atol=1e-12)


def test_hidden_patches_never_matter_and_seen_ones_do():
    net, params = made(positions="learned", image_size=16)
    keep = np.array([[0, 7, 10], [5, 1, 2]], np.int32)
    run = jax.jit(lambda x: net.apply(params, {}, x, train=False, keep=keep)[0]["tokens"])
    before = run(X)
    for i, seen in enumerate(keep):
        for patch in range(12):
            row, column = divmod(patch, 4)
            x = X.copy()
            x[i, row * 4 : row * 4 + 4, column * 4 : column * 4 + 4] += 1
            change = np.abs(np.asarray(run(x) - before)).max((1, 2))
            assert change[1 - i] == 0 and (change[i] > 1e-3) == (patch in seen)


def test_positions_are_those_of_the_whole_image(strict):
    """With black patches and silent blocks a token is the norm of its own position, wherever it stands in `keep`."""
    net = vit(variant=(16, 1, 2, 4), dtype="float64")
    x = jnp.zeros((1, 12, 16, 3), "float64")
    params = jax.tree.map_with_path(lambda path, v: jnp.full_like(v, path[-1].key == "scale"), drawn(net, x)[0])
    y = out(net, params, x, keep=jnp.asarray([[6, 1]], "int32"))["tokens"][0]
    want = positions.sincos(3, 4, 16)[[6, 1]]
    want = (want - want.mean(1, keepdims=True)) / np.sqrt(want.var(1, keepdims=True) + 1e-6)
    assert_allclose(y, want, rtol=1e-10, atol=1e-10)


def test_learned_positions_follow_to_another_grid():
    net, params = made(positions="learned", image_size=16)
    assert params["pos_embed"].shape == (1, 17, 16)
    assert out(net, params, X[:, :8, :8])["tokens"].shape == (2, 4, 16)
    # constant positions stay constant on every grid, so adding one to all of them is adding one to the patches
    x, shift = X[:, :8, :8], jnp.linspace(-1, 1, 16)
    moved = params | {"pos_embed": params["pos_embed"] + shift}
    bias = params["patch_embed"]["bias"] + shift
    same = params | {"patch_embed": params["patch_embed"] | {"bias": bias}, "cls_token": params["cls_token"] + shift}
    assert_allclose(out(net, moved, x)["cls"], out(net, same, x)["cls"], rtol=1e-4, atol=1e-5)


def test_scan_and_remat_change_neither_values_nor_gradients(strict):
    x = jnp.asarray(X, "float64")
    nets = [
        vit(variant=SMALL, layer_scale=0.1, drop_path=0.3, dtype="float64", **o)
        for o in ({}, {"scan": False}, {"remat": True})
    ]
    params, _ = drawn(nets[0], x)
    loss = lambda net: lambda p: jnp.square(net.apply(p, {}, x, train=True, key=jax.random.key(1))[0]["pool"]).sum()  # noqa: E731
    first, *others = (jax.jit(jax.grad(loss(net)))(params) for net in nets)
    for other in others:
        jax.tree.map(lambda a, b: assert_allclose(b, a, rtol=1e-10, atol=1e-12), first, other)
    assert all(float(jnp.abs(g).max()) > 0 for g in jax.tree.leaves(first))


def test_drop_path_is_off_without_key_or_training_and_on_with_both():
    net, params = made(drop_path=0.5)
    plain = out(vit(variant=SMALL), params, X)["pool"]
    run = jax.jit(lambda key, train: net.apply(params, {}, X, train=train, key=key)[0]["pool"], static_argnums=1)
    assert_allclose(run(None, True), plain, rtol=1e-5, atol=1e-6)
    assert_allclose(run(jax.random.key(0), False), plain, rtol=1e-5, atol=1e-6)
    one, again, other = (run(jax.random.key(i), True) for i in (0, 0, 1))
    assert_allclose(one, again, rtol=0)
    assert float(jnp.abs(one - other).max()) > 1e-3 and float(jnp.abs(one - plain).max()) > 1e-3


def test_drop_path_spares_the_first_layer():
    net = vit(variant=(16, 1, 2, 4), drop_path=0.9)
    params = drawn(net, X)[0]
    run = jax.jit(lambda key: net.apply(params, {}, X, train=True, key=key)[0]["pool"])
    assert_allclose(run(jax.random.key(0)), run(None), rtol=1e-5, atol=1e-6)


def test_bfloat16_computes_near_float32_and_returns_float32():
    net, params = made(dtype="bfloat16")
    assert all(leaf.dtype == jnp.float32 for leaf in jax.tree.leaves(params))
    y, full = out(net, params, X), out(vit(variant=SMALL), params, X)
    assert all(v.dtype == jnp.float32 for v in y.values())
    assert 1e-4 < float(jnp.abs(y["pool"] - full["pool"]).max()) < 0.1


def test_starts_are_xavier_of_each_matrix_or_normal():
    qkv = transformer.qkv_init(None)(jax.random.key(0), (64, 192), jnp.float32)
    bound = (6 / (64 + 64)) ** 0.5  # of [64, 64], not of the fused [64, 192]
    assert 0.98 * bound < float(jnp.abs(qkv).max()) <= bound
    assert not np.allclose(qkv[:, :64], qkv[:, 64:128])
    assert abs(float(transformer.kernel_init(0.02)(jax.random.key(0), (64, 192), jnp.float32).std()) - 0.02) < 5e-4


def test_bad_options_are_sentences():
    for options, words in (
        ({"variant": "XL/16"}, "no 'XL' in the choices of vit size"),
        ({"variant": "S"}, 'write "S/16"'),
        ({"variant": (10, 1, 3, 4)}, "width 10 cannot be divided among 3 heads"),
        ({"cls_token": False}, 'pool "cls" needs cls_token=True'),
        ({"positions": "learned", "image_size": 30}, "image_size 30 is no multiple"),
        ({"positions": "sincos2d"}, "did you mean sincos"),
    ):
        with pytest.raises(ValueError, match=words):
            vit(**options)
    with pytest.raises(ValueError, match="10 x 16 pixels cannot be cut into patches of 4 x 4"):
        vit(variant=SMALL).init(jax.random.key(0), X[:, :10])


def test_hidden_patches_are_the_mask_token_at_their_places():
    net = vit(variant=(16, 1, 2, 4), mask_token=True)
    x = jax.random.normal(jax.random.key(1), (2, 16, 16, 3))
    params, stats = net.init(jax.random.key(0), x)
    params = {**params, "mask_token": jax.random.normal(jax.random.key(2), (1, 1, 16))}
    hidden = jnp.zeros((2, 16), bool).at[0, jnp.array([1, 5])].set(True)
    plain, masked = (net.apply(params, stats, x, train=False, **o)[0] for o in ({}, {"hidden": hidden}))
    np.testing.assert_allclose(masked["tokens"][1], plain["tokens"][1], rtol=1e-6)
    assert not np.allclose(masked["tokens"][0], plain["tokens"][0])
    # what was in a hidden patch does not matter
    other = x.at[0, 0:4, 4:8].set(9.0).at[0, 4:8, 4:8].set(-9.0)
    again = net.apply(params, stats, other, train=False, hidden=hidden)[0]
    np.testing.assert_allclose(again["tokens"], masked["tokens"], rtol=1e-6)
    # with the patches' own embedding in its place nothing is hidden: blank patches are all alike
    blank = jnp.zeros_like(x)
    bias = {**params, "mask_token": params["patch_embed"]["bias"].reshape(1, 1, -1)}
    ones = jnp.ones((2, 16), bool)
    same = (net.apply(bias, stats, blank, train=False, **o)[0]["tokens"] for o in ({}, {"hidden": ones}))
    np.testing.assert_allclose(*same, rtol=1e-6)
    with pytest.raises(ValueError, match="cannot be hidden: give it mask_token=True"):
        vit(variant=(16, 1, 2, 4)).init(jax.random.key(0), x, hidden=hidden)


def attended(params, x, heads, before, layer):
    """In plain numpy, float64, of the options of `SMALL`: [b, heads, l, l] of a layer, for all tokens."""

    def norm(x, p):
        return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-6) * p["scale"] + p["bias"]

    def dense(x, p):
        return x @ p["kernel"] + p["bias"]

    erf = np.vectorize(math.erf)
    p, patch = params["patch_embed"], 4
    b, h, w, c = x.shape
    patches = x.reshape(b, h // patch, patch, w // patch, patch, c).transpose(0, 1, 3, 2, 4, 5).reshape(b, -1, 48)
    x = patches @ p["kernel"].reshape(48, -1) + p["bias"] + positions.sincos(h // patch, w // patch, 16)
    front = [params[name] for name in ("cls_token", "registers") if name in params]
    x = np.concatenate([*(np.repeat(token, b, 0) for token in front), x], 1)
    assert x.shape[1] == patches.shape[1] + before
    for k in range(layer + 1):
        block = jax.tree.map(lambda leaf, k=k: leaf[k], params["blocks"])
        q, key, value = np.split(dense(norm(x, block["norm1"]), block["attn"]["qkv"]), 3, -1)
        weights, y, width = [], [], 16 // heads
        for head in range(heads):
            part = slice(head * width, head * width + width)
            score = np.exp(q[..., part] @ key[..., part].transpose(0, 2, 1) / np.sqrt(width))
            weights.append(score / score.sum(-1, keepdims=True))
            y.append(weights[-1] @ value[..., part])
        x = x + dense(np.concatenate(y, -1), block["attn"]["proj"])
        y = dense(norm(x, block["norm2"]), block["mlp"]["fc1"])
        x = x + dense(y * (1 + erf(y / np.sqrt(2))) / 2, block["mlp"]["fc2"])
    return np.stack(weights, 1)


@pytest.mark.parametrize(
    "options, before", [({"registers": 2}, 3), ({"cls_token": False, "pool": "mean", "scan": False}, 0)]
)
def test_attention_is_that_of_numpy_and_changes_nothing_else(strict, options, before):
    net, x = vit(variant=SMALL, dtype="float64", **options), jnp.asarray(X, "float64")
    params = drawn(net, x)[0]
    run = jax.jit(lambda p, x: [net.apply(p, {}, x, train=False, attention=a)[0] for a in (True, False)])
    found, plain = run(params, x)
    seen = found.pop("attention")
    assert seen.shape == (2, 2, 2, 12)
    jax.tree.map(lambda a, b: assert_allclose(a, b, rtol=1e-12), found, plain)
    for layer in range(2):
        whole = attended(jax.tree.map(np.asarray, params), X.astype(float), 2, before, layer)
        want = whole[:, :, 0, before:] if before else whole.mean(2)
        assert_allclose(seen[:, layer], want, rtol=1e-10)
