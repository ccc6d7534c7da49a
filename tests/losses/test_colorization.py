"""Weights of rare colors and the loss whose gradient alone they change, against loops."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from ssl_jax.losses import colorization

N, Q = 5, 4
G = np.random.default_rng(0)
LOGITS = G.normal(size=(N, Q))
TARGET = G.dirichlet(np.ones(Q), N)
WEIGHTS = G.uniform(0.5, 2, N)
COUNTED = np.array([True, False, True, True, False])


def by_loops(logits, weights=None):
    total = 0
    for i in np.flatnonzero(COUNTED):
        p = np.exp(logits[i]) / np.exp(logits[i]).sum()
        total -= (1 if weights is None else weights[i]) * (TARGET[i] * np.log(p)).sum()
    return total / COUNTED.sum()


def made(logits=LOGITS, counted=COUNTED):
    return colorization.rebalanced(*map(jnp.asarray, (TARGET, logits, WEIGHTS, counted)))


def test_the_value_has_no_weights_and_the_gradient_has(strict, gradient):
    value, slope = jax.value_and_grad(made)(jnp.asarray(LOGITS))
    assert_allclose(value, by_loops(LOGITS), rtol=1e-10)
    assert_allclose(slope, gradient(lambda x: by_loops(x, WEIGHTS), LOGITS), atol=1e-10)
    assert not np.any(slope[~COUNTED]) and np.all(slope[COUNTED] != 0)


def test_where_nothing_is_counted_there_is_nothing(strict):
    value, slope = jax.value_and_grad(lambda x: made(x, np.zeros(N, bool)))(jnp.asarray(LOGITS))
    assert value == 0 and not np.any(slope)


@pytest.mark.parametrize("uniform", [0.5, 0.1, 1.0])
def test_weights_are_inverse_and_one_in_the_mean(uniform, strict):
    prior = np.array([0.7, 0.2, 0.1, 0.0])
    found = np.asarray(colorization.rarity(jnp.asarray(prior), uniform=uniform))
    raw = np.array([1 / ((1 - uniform) * p + uniform / 4) for p in prior])
    assert_allclose(found, raw / (prior * raw).sum(), rtol=1e-12)
    assert_allclose((prior * found).sum(), 1, rtol=1e-12)
    assert np.all(np.diff(found) >= 0)


def test_weights_of_equal_shares_are_one(strict):
    assert_allclose(colorization.rarity(jnp.full(5, 0.2), uniform=0.5), 1, rtol=1e-12)


def test_shapes_that_would_broadcast_are_refused():
    with pytest.raises(AssertionError):
        colorization.rebalanced(jnp.ones((N, Q)), jnp.ones((N, Q)), jnp.ones((N, 1)), jnp.ones(N, bool))
    with pytest.raises(AssertionError):
        colorization.rarity(jnp.ones((2, Q)), uniform=0.5)
