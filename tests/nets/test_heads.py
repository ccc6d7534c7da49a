"""Named heads against sizes and formulas of their sources."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from ssl_jax.nets import heads
from tests.nets.drawn import drawn

X = jnp.asarray(np.random.default_rng(0).normal(1, 2, (8, 6)), jnp.float32)
BN = {"scale", "bias"}


def shapes(net):
    params, stats = jax.eval_shape(net.init, jax.random.key(0), X)
    return {name: set(leaves) for name, leaves in params.items()}, set(stats)


@pytest.mark.parametrize(
    ("net", "leaves"),
    [
        (heads.simclr_projector(widths=(4, 4, 3)), [{"kernel"}, BN, {"kernel"}, BN, {"kernel"}, {"scale"}]),
        (heads.moco_v2_projector(hidden=4, out=3), [{"kernel", "bias"}, None, {"kernel", "bias"}, None]),
        (heads.byol_mlp(hidden=4, out=3), [{"kernel", "bias"}, BN, {"kernel"}, None]),
        (heads.simsiam_projector(widths=(4, 4, 3)), [{"kernel"}, BN, {"kernel"}, BN, {"kernel"}, None]),
        (heads.simsiam_predictor(hidden=4, out=3), [{"kernel"}, BN, {"kernel", "bias"}, None]),
        (heads.barlow_projector(widths=(4, 4, 3)), [{"kernel"}, BN, {"kernel"}, BN, {"kernel"}, None]),
        (heads.vicreg_expander(widths=(4, 4, 3)), [{"kernel", "bias"}, BN, {"kernel", "bias"}, BN, {"kernel"}, None]),
        (heads.swav_projector(hidden=4, out=3), [{"kernel", "bias"}, BN, {"kernel", "bias"}, None]),
        (heads.linear(out=3), [{"kernel", "bias"}, None]),
    ],
)
def test_layers_norms_and_biases_are_those_of_the_source(net, leaves):
    params, _ = shapes(net)
    names = [f"{part}{i // 2 + 1}" for i, part in enumerate(["linear", "norm"] * (len(leaves) // 2))]
    assert params == {name: want for name, want in zip(names, leaves, strict=True) if want}


def test_defaults_have_the_published_sizes():
    def count(net):
        params, _ = jax.eval_shape(net.init, jax.random.key(0), jax.ShapeDtypeStruct((2, 2048), jnp.float32))
        return sum(leaf.size for leaf in jax.tree.leaves(params))

    d = 2048
    assert count(heads.simclr_projector()) == d * d + 2 * d + d * 128 + 128
    assert count(heads.byol_mlp()) == d * 4096 + 4096 + 2 * 4096 + 4096 * 256
    assert count(heads.simsiam_projector()) == 3 * d * d + 2 * 2 * d
    assert count(heads.simsiam_predictor()) == d * 512 + 2 * 512 + 512 * d + d
    assert count(heads.barlow_projector()) == d * 8192 + 2 * 8192 * 8192 + 2 * 2 * 8192
    assert count(heads.dino_head()) == d * 2048 + 2048 + 2048 * 2048 + 2048 + 2048 * 256 + 256 + 256 * 65536


def test_byol_is_the_formula(strict):
    net, x = heads.byol_mlp(hidden=5, out=3, dtype="float64"), np.asarray(X, np.float64)
    params, stats = drawn(net, jnp.asarray(x))
    y, _ = net.apply(params, stats, jnp.asarray(x), train=True)
    p = jax.tree.map(np.asarray, params)
    h = x @ p["linear1"]["kernel"] + p["linear1"]["bias"]
    h = (h - h.mean(0)) / np.sqrt(h.var(0) + 1e-5) * p["norm1"]["scale"] + p["norm1"]["bias"]
    assert_allclose(y, np.maximum(h, 0) @ p["linear2"]["kernel"], rtol=1e-12, atol=1e-12)


def test_a_plain_last_norm_gives_mean_zero_and_variance_one_in_each_group():
    net = heads.simsiam_projector(widths=(16, 4), groups=2)
    y, _ = net.apply(*drawn(net, X), X, train=True)
    for rows in (y[:4], y[4:]):
        assert_allclose(rows.mean(0), 0, atol=1e-5)
        assert_allclose(rows.var(0), 1, rtol=1e-2)


@pytest.mark.parametrize("norm_last", [True, False])
def test_dino_is_a_cosine_with_unit_rows(strict, norm_last):
    net = heads.dino_head(out=11, hidden=7, bottleneck=5, norm_last=norm_last, dtype="float64")
    x = jnp.asarray(X, jnp.float64)
    params, _ = drawn(net, x)
    assert set(params["last"]) == ({"direction"} if norm_last else {"direction", "scale"})
    y, _ = net.apply(params, {}, x, train=True)
    stretched = {**params, "last": params["last"] | {"direction": params["last"]["direction"] * 7}}
    assert_allclose(net.apply(stretched, {}, x, train=True)[0], y, rtol=1e-12)  # only directions count
    rows = np.asarray(params["last"]["direction"]).T
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    cosines = np.asarray(y) / (1 if norm_last else np.asarray(params["last"]["scale"]))
    z = np.linalg.lstsq(rows, cosines.T, rcond=None)[0]  # the bottleneck, recovered from 11 cosines
    assert_allclose(np.linalg.norm(z, axis=0), 1, rtol=1e-10)
    if not norm_last:
        doubled = {**params, "last": params["last"] | {"scale": 2 * params["last"]["scale"]}}
        assert_allclose(net.apply(doubled, {}, x, train=True)[0], 2 * y, rtol=1e-12)


def test_dino_has_exact_gelu_small_start_and_batch_norm_by_choice():
    params, stats = shapes(heads.dino_head(out=11, hidden=7, bottleneck=5, batch_norm=True))
    assert set(params) == {"mlp", "last"} and stats == {"mlp"}
    net = heads.dino_head(out=4, hidden=256, bottleneck=32, layers=2)
    params, _ = jax.jit(net.init)(jax.random.key(0), jnp.ones((1, 256)))
    assert abs(float(params["mlp"]["linear1"]["kernel"].std()) - 0.02) < 1e-3
    one = heads.mlp(widths=(1, 1), norm="none", bias=False, last_bias=False, activation="gelu")
    y, _ = one.apply(
        {"linear1": {"kernel": jnp.ones((1, 1))}, "linear2": {"kernel": jnp.ones((1, 1))}},
        {},
        jnp.ones((1, 1)),
        train=True,
    )
    assert_allclose(y[0, 0], 0.8413447461, rtol=1e-6)  # Phi(1); the tanh form gives 0.84119


def test_bfloat16_returns_float32_and_identity_passes():
    for net in (
        heads.dino_head(out=11, hidden=7, bottleneck=5, dtype="bfloat16"),
        heads.byol_mlp(hidden=4, out=3, dtype="bfloat16"),
    ):
        params, stats = drawn(net, X)
        assert net.apply(params, stats, X, train=True)[0].dtype == jnp.float32
    net = heads.identity()
    y, stats = net.apply(*net.init(jax.random.key(0), X), X, train=True)
    assert_allclose(y, X)
    assert stats == {}


def test_bad_options_are_sentences():
    for make, words in (
        (lambda: heads.mlp(widths=()), "one width or more"),
        (lambda: heads.mlp(widths=(3,), norm="batchnorm"), "did you mean batch"),
        (lambda: heads.mlp(widths=(3,), activation="rleu"), "did you mean relu"),
        (lambda: heads.dino_head(layers=0), "layers is 0; it must be above 0"),
    ):
        with pytest.raises(ValueError, match=words):
            make()
