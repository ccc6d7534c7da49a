"""Batch norm against loops in numpy: value, gradient, running statistics, groups. Layer norm where it is hard."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from ssl_jax.nets.norm import BatchNorm, LayerNorm


def normal(*shape, dtype="float32"):
    return jnp.asarray(np.random.default_rng(0).normal(size=shape), dtype)


def by_hand(x, scale, bias, groups, eps=1e-5):
    """Loops over groups and features; returns y and the mean over groups of mean and unbiased variance."""
    y, means, variances = np.empty_like(x), [], []
    for rows in np.split(np.arange(len(x)), groups):
        for j in range(x.shape[-1]):
            part = x[rows][..., j]
            y[rows, ..., j] = (part - part.mean()) / np.sqrt(part.var() + eps) * scale[j] + bias[j]
        flat = x[rows].reshape(-1, x.shape[-1])
        means.append(flat.mean(0))
        variances.append(flat.var(0, ddof=1))
    return y, np.mean(means, 0), np.mean(variances, 0)


def apply(module, x, scale=(1.0,), bias=(0.0,)):
    """(y, running statistics) of a module with the given parameters."""
    given, start = {"scale": scale, "bias": bias}, jax.eval_shape(module.init, jax.random.key(0), x)
    params = {k: jnp.broadcast_to(jnp.asarray(given[k], v.dtype), v.shape) for k, v in start.get("params", {}).items()}
    stats = {k: jnp.full(v.shape, float(k == "var"), v.dtype) for k, v in start["batch_stats"].items()}
    run = jax.jit(lambda v, x: module.apply(v, x, mutable=["batch_stats"]))
    y, new = run({"params": params, "batch_stats": stats}, x)
    return y, new["batch_stats"]


@pytest.mark.parametrize("groups", [1, 2, 3])
def test_value_gradient_and_statistics_are_those_of_loops(strict, groups):
    draw = np.random.default_rng(groups)
    x, w = draw.normal(2, 3, (6, 2, 4)), draw.normal(size=(6, 2, 4))
    scale, bias = draw.normal(size=4), draw.normal(size=4)
    module = BatchNorm(True, groups, dtype=jnp.dtype("float64"))
    y, stats = apply(module, jnp.asarray(x), scale, bias)
    want, mean, var = by_hand(x, scale, bias, groups)
    assert_allclose(y, want, rtol=1e-12, atol=1e-12)
    assert_allclose(stats["mean"], 0.1 * mean, rtol=1e-12)
    assert_allclose(stats["var"], 0.9 + 0.1 * var, rtol=1e-12)

    got = jax.grad(lambda v: (apply(module, v, scale, bias)[0] * w).sum())(jnp.asarray(x))
    for place in [(0, 0, 0), (3, 1, 2), (5, 0, 3)]:
        step = np.zeros_like(x)
        step[place] = 1e-5
        up, down = (by_hand(x + s, scale, bias, groups)[0] for s in (step, -step))
        assert_allclose(got[place], ((up - down) * w).sum() / 2e-5, rtol=1e-6, atol=1e-8)


def test_rows_of_one_group_do_not_see_the_other(strict):
    x = normal(8, 3, dtype="float64")
    module = BatchNorm(True, 2, dtype=jnp.dtype("float64"))
    moved, _ = apply(module, x.at[5].add(1.0))
    still, _ = apply(module, x)
    assert_allclose(moved[:4], still[:4], rtol=0, atol=0)
    assert jnp.abs(moved[4:] - still[4:]).max() > 1e-2


def test_without_train_the_running_statistics_normalize_and_stay(strict):
    module = BatchNorm(False, dtype=jnp.dtype("float64"))
    x = normal(4, 3, dtype="float64") * 5 + 1
    variables = {"params": {"scale": jnp.ones(3), "bias": jnp.zeros(3)}}
    running = {"mean": jnp.full(3, 2.0), "var": jnp.full(3, 4.0)}
    y, new = module.apply({**variables, "batch_stats": running}, x, mutable=["batch_stats"])
    assert_allclose(y, (x - 2) / np.sqrt(4 + 1e-5), rtol=1e-12)
    assert_allclose(new["batch_stats"]["mean"], running["mean"])


def test_a_mean_far_above_the_deviation_loses_little():
    """E[x^2] - E[x]^2 in float32 has an error of 4096^2 * 6e-8 = 1 here, as large as the variance itself."""
    x = normal(4096, 4) + 4096
    y, _ = apply(BatchNorm(True), x)
    assert_allclose(y.std(0), 1, atol=2e-3)


def test_statistics_of_bfloat16_are_float32():
    x = (normal(512, 4) * 0.1 + 3).astype(jnp.bfloat16)
    y, stats = apply(BatchNorm(True, dtype=jnp.dtype("bfloat16")), x)
    assert y.dtype == jnp.bfloat16 and stats["mean"].dtype == jnp.float32
    assert_allclose(stats["mean"], 0.1 * np.asarray(x, np.float64).mean(0), rtol=1e-5)


def test_options_leave_out_parameters():
    x = jnp.ones((4, 3))
    names = lambda **o: set(jax.eval_shape(BatchNorm(True, **o).init, jax.random.key(0), x).get("params", {}))  # noqa: E731
    assert names() == {"scale", "bias"} and names(bias=False) == {"scale"} and names(scale=False, bias=False) == set()


def test_a_batch_that_does_not_divide_is_a_sentence():
    with pytest.raises(ValueError, match="10 rows into 4 equal groups"):
        BatchNorm(True, 4).init(jax.random.key(0), jnp.ones((10, 3)))
    with pytest.raises(ValueError, match="two values"):
        BatchNorm(True, 4).init(jax.random.key(0), jnp.ones((4, 3)))


def test_layer_norm_far_from_zero_and_its_epsilon():
    params = {"params": {"scale": jnp.ones(512), "bias": jnp.zeros(512)}}
    y = LayerNorm(jnp.dtype("float32")).apply(params, normal(8, 512) + 4096)
    assert_allclose(y.std(-1), 1, atol=2e-3)
    params = {"params": {"scale": jnp.asarray([3.0, 1.0]), "bias": jnp.asarray([0.0, 1.0])}}
    y = LayerNorm(jnp.dtype("float32")).apply(params, jnp.asarray([[1e-3, -1e-3]]))
    assert_allclose(y, [[3 * 0.5**0.5, 1 - 0.5**0.5]], rtol=1e-5)  # variance 1e-6 = eps
