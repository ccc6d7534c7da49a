"""What codes cost without a network, chosen places, and relaxed draws: loops in numpy, values and gradients."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from ssl_jax.losses import categorical, codes

G = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def wide(strict):
    return strict


def test_entropy_is_that_of_the_frequencies():
    found = G.integers(0, 5, (6, 7))
    shares = [np.mean(found == code) for code in range(9)]
    assert_allclose(codes.entropy(jnp.asarray(found), 9), -sum(p * np.log(p) for p in shares if p), rtol=1e-6)
    assert codes.entropy(jnp.zeros((3, 3), jnp.int32), 9) == 0
    assert_allclose(codes.entropy(jnp.arange(9), 9), np.log(9), rtol=1e-6)


def test_copying_costs_what_the_best_such_guess_pays():
    one, other = G.integers(0, 3, (2, 200))
    wrong = np.mean(one != other)
    # the least over all shares of doubt of what the guess pays for these very codes
    paid = [-np.mean(np.where(one == other, np.log(1 - e), np.log(e / 4))) for e in np.linspace(0.01, 0.99, 9801)]
    assert_allclose(codes.copying(jnp.asarray(one), jnp.asarray(other), 5), min(paid), rtol=1e-6)
    assert 0.5 < wrong < 0.8
    assert codes.copying(jnp.asarray(one), jnp.asarray(one), 5) == 0


def test_the_mean_of_chosen_places_is_of_each_sequence_first():
    values, chosen = G.normal(size=(3, 5)), np.array([[1, 0, 0, 1, 1], [0, 0, 1, 0, 0], [0, 0, 0, 0, 0]], bool)
    expected, gradient = 0.0, np.zeros((3, 5))
    for i in range(3):
        for j in range(5):
            if chosen[i, j]:
                expected += values[i, j] / chosen[i].sum() / 3
                gradient[i, j] = 1 / chosen[i].sum() / 3
    found = jax.value_and_grad(codes.of_chosen)(jnp.asarray(values), jnp.asarray(chosen))
    assert_allclose(found[0], expected, rtol=1e-12)
    assert_allclose(found[1], gradient, rtol=1e-12)


def test_relaxed_draws_and_their_gradient():
    logits, noise, weights, t = *G.normal(size=(3, 4, 5)), 0.4
    shares, gradient = np.zeros((4, 5)), np.zeros((4, 5))
    for i in range(4):
        e = [np.exp((logits[i, k] + noise[i, k]) / t) for k in range(5)]
        shares[i] = e / np.sum(e)
        for k in range(5):
            gradient[i, k] = sum(weights[i, m] * shares[i, m] * ((m == k) - shares[i, k]) / t for m in range(5))
    score = lambda x: jnp.sum(categorical.relaxed(x, jnp.asarray(noise), t) * weights)  # noqa: E731
    assert_allclose(categorical.relaxed(jnp.asarray(logits), jnp.asarray(noise), t), shares, rtol=1e-10)
    assert_allclose(jax.grad(score)(jnp.asarray(logits)), gradient, rtol=1e-9, atol=1e-14)


def test_cold_draws_are_draws_of_the_softmax():
    logits = jnp.log(jnp.array([0.6, 0.3, 0.1]))
    noise = jax.random.gumbel(jax.random.key(0), (20000, 3))
    drawn = categorical.relaxed(jnp.broadcast_to(logits, noise.shape), noise, 0.01)
    assert float(drawn.max(1).mean()) > 0.98
    assert_allclose(drawn.mean(0), [0.6, 0.3, 0.1], atol=4 * np.sqrt(0.24 / 20000))


def test_the_divergence_from_the_uniform_and_its_gradient():
    logits = G.normal(size=(3, 4))
    expected, gradient = np.zeros(3), np.zeros((3, 4))
    for i in range(3):
        p = np.exp(logits[i]) / np.exp(logits[i]).sum()
        expected[i] = sum(q * np.log(q / 0.25) for q in p)
        for k in range(4):
            gradient[i, k] = p[k] * (np.log(p[k] / 0.25) - expected[i])
    assert_allclose(categorical.from_uniform(jnp.asarray(logits)), expected, rtol=1e-10)
    assert_allclose(
        jax.grad(lambda x: categorical.from_uniform(x).sum())(jnp.asarray(logits)), gradient, rtol=1e-9, atol=1e-14
    )
    assert_allclose(categorical.from_uniform(jnp.zeros(7)), 0, atol=1e-12)
    assert_allclose(categorical.from_uniform(jnp.array([1e4, 0.0, 0.0])), np.log(3), rtol=1e-10)
