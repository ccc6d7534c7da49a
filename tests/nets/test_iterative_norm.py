"""Iterative norm against its algorithm, written out for one block at a time."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from ssl_jax.nets import iterative_norm
from tests.nets.drawn import drawn

X = np.random.default_rng(0).normal(size=(12, 6)) @ np.random.default_rng(1).normal(size=(6, 6)) + 3


def normed(x, blocks, iterations):
    out, matrices = [], []
    for part in np.split(x, blocks, 1):
        part = part - part.mean(0)
        s = part.T @ part / len(x) + 1e-5 * np.eye(part.shape[1])
        p = np.eye(part.shape[1])
        for _ in range(iterations):
            p = 0.5 * (3 * p - p @ p @ p @ s / np.trace(s))
        matrices.append(p / np.sqrt(np.trace(s)))
        out.append(part @ matrices[-1])
    return np.concatenate(out, 1), np.stack(matrices)


def layer(train, blocks=2, iterations=5):
    module = iterative_norm.IterNorm(train, blocks, iterations, dtype=jnp.dtype("float64"))
    return jax.jit(
        lambda params, x: module.apply(
            {"params": params["params"], "batch_stats": params["batch_stats"]}, x, mutable=["batch_stats"]
        )
    ), module


def test_training_is_the_algorithm_and_evaluation_its_running_average(strict):
    apply, module = layer(True)
    variables = module.init(jax.random.key(0), jnp.asarray(X))
    params = {"scale": jnp.arange(1.0, 7.0), "bias": jnp.arange(6.0)}
    fresh = {"mean": jnp.zeros((2, 1, 3)), "whitening": jnp.stack([jnp.eye(3)] * 2)}
    y, new = apply({"params": params, "batch_stats": fresh}, X)
    expected, matrices = normed(X, 2, 5)
    assert_allclose(y, expected * np.arange(1, 7) + np.arange(6), rtol=1e-10, atol=1e-10)
    assert_allclose(new["batch_stats"]["whitening"], 0.9 * np.eye(3) + 0.1 * matrices, rtol=1e-10, atol=1e-12)
    assert jax.tree.map(jnp.shape, variables["batch_stats"]) == jax.tree.map(jnp.shape, fresh)
    apply, _ = layer(False)
    held = {"mean": X.mean(0).reshape(2, 1, 3), "whitening": matrices}
    y, _ = apply({"params": params, "batch_stats": held}, X[:1])
    assert_allclose(y, expected[:1] * np.arange(1, 7) + np.arange(6), rtol=1e-10, atol=1e-10)


def test_the_gradient_is_that_of_differences(strict):
    apply, _ = layer(True)
    weight = np.random.default_rng(2).normal(size=X.shape)
    held = {
        "params": {"scale": jnp.ones(6), "bias": jnp.zeros(6)},
        "batch_stats": {"mean": jnp.zeros((2, 1, 3)), "whitening": jnp.stack([jnp.eye(3)] * 2)},
    }
    slope = jax.grad(lambda x: jnp.sum(weight * apply(held, x)[0]))(jnp.asarray(X))
    for place in ((0, 0), (5, 4)):
        step = np.zeros(X.shape)
        step[place] = 1e-6
        difference = ((normed(X + step, 2, 5)[0] - normed(X - step, 2, 5)[0]) * weight).sum() / 2e-6
        assert_allclose(slope[place], difference, rtol=1e-6)


def test_iterations_whiten(strict):
    """What is not far from white; a small eigenvalue takes more of them, and beyond some 15 Newton's form diverges."""
    x = np.random.default_rng(3).normal(size=(100, 6)) * np.linspace(1, 2, 6)
    apply, module = layer(True, iterations=9)
    y = apply(module.init(jax.random.key(0), jnp.asarray(x)), x)[0]
    for block in (slice(0, 3), slice(3, 6)):
        assert_allclose(np.cov(y[:, block].T, bias=True), np.eye(3), atol=1e-3)


def test_the_head_ends_in_it(strict):
    net = iterative_norm.vibcreg_projector(widths=(8, 6), blocks=2, dtype="float64")
    params, stats = drawn(net, jnp.asarray(X))
    assert set(params["last"]) == {"scale", "bias"} and set(stats) == {"head", "last"}
    y, new = net.apply(params, stats, jnp.asarray(X), train=True)
    assert y.shape == (12, 6) and new["last"]["whitening"].shape == (2, 3, 3)


def test_blocks_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="10 features cannot be divided into 4 equal blocks"):
        iterative_norm.vibcreg_projector(widths=(8, 10), blocks=4)
