"""Weighted classes, and Local Aggregation's share of the background, against loops in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from ssl_jax.losses import clustering

LABELS = np.array([0, 2, -1, 2, 2, 3, -1, 0])


@pytest.fixture(autouse=True)
def wide(strict):
    return strict


def test_what_a_row_counts_is_that_of_an_even_draw_from_the_clusters(gradient):
    """Weights times the mean over all rows is the mean over the clusters that have rows of their own means."""
    logits = np.random.default_rng(0).normal(size=(8, 5))
    weights = clustering.evenly(jnp.asarray(LABELS), clusters=5)
    assert_allclose(weights, [6 / (3 * 2), 0, 6 / (3 * 3), 6 / 3, 0], rtol=1e-12)

    def even(logits):
        value = 0
        for cluster in (0, 2, 3):
            rows = logits[LABELS == cluster]
            value = value + (np.log(np.exp(rows).sum(1)) - rows[:, cluster]).mean() / 3
        return value

    loss = jax.jit(jax.value_and_grad(lambda x: clustering.labeled(x, jnp.asarray(LABELS), weights=weights)))
    value, slope = loss(jnp.asarray(logits))
    assert_allclose(value, even(logits), rtol=1e-10)
    assert_allclose(slope, gradient(even, logits), atol=1e-10)


def test_a_batch_counts_its_rows_whatever_their_weights():
    """The mean over all batches is the weighted mean of all rows, as no batch is divided by its own weights."""
    logits, weights = np.random.default_rng(1).normal(size=(6, 3)), jnp.array([0.5, 2.0, 1.0])
    labels = jnp.array([0, 1, 1, 0, 2, 0])
    whole = clustering.labeled(jnp.asarray(logits), labels, weights=weights)
    halves = [clustering.labeled(jnp.asarray(logits[i : i + 3]), labels[i : i + 3], weights=weights) for i in (0, 3)]
    assert_allclose(whole, sum(halves) / 2, rtol=1e-12)
    alone = clustering.labeled(jnp.asarray(logits[:1]), labels[:1])
    assert_allclose(clustering.labeled(jnp.asarray(logits[:1]), labels[:1], weights=weights), alone / 2, rtol=1e-12)


def test_without_labels_nothing_counts():
    assert not np.any(clustering.evenly(jnp.full(4, -1), clusters=3))


def test_local_aggregation_is_that_of_loops(gradient):
    g = np.random.default_rng(2)
    logits, close = 3 * g.normal(size=(4, 6)), g.random((4, 6)) < 0.4
    close[2], close[3] = True, False

    def by_loops(logits):
        total = 0
        for row, near in zip(logits, close, strict=True):
            p = np.exp(row)
            total = total - np.log(sum(p[near]) / sum(p) + 1e-7)
        return total / len(logits)

    loss = jax.jit(jax.value_and_grad(clustering.local_aggregation))
    value, slope = loss(jnp.asarray(logits), jnp.asarray(close))
    assert_allclose(value, by_loops(logits), rtol=1e-10)
    assert_allclose(slope, gradient(by_loops, logits), atol=1e-10)
    assert np.abs(slope[2:]).max() < 1e-15 < np.abs(slope[:2]).min()


def test_local_aggregation_at_its_ends():
    logits = jnp.asarray(np.random.default_rng(3).normal(size=(3, 5)))
    assert_allclose(clustering.local_aggregation(logits, jnp.ones((3, 5), bool)), 0, atol=1.1e-7)
    assert_allclose(clustering.local_aggregation(logits, jnp.zeros((3, 5), bool)), -np.log(1e-7), rtol=1e-12)
    own = jnp.zeros((3, 5), bool).at[:, 0].set(True)  # none but itself: the softmax over the background
    expected = -jnp.mean(jax.nn.log_softmax(logits, 1)[:, 0])
    assert_allclose(clustering.local_aggregation(logits, own), expected, rtol=1e-5)
