"""Balanced labels of a whole dataset against the code's loop of matrices, on any mesh and in any pieces."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import NamedSharding, PartitionSpec

from ssl_jax.passes import transport
from ssl_jax.state import bank

N, D, K, SHARP = 96, 5, 4, 10.0


def data(seed=0):
    """Features that lean to one side, so that a softmax alone would name one cluster for most of them."""
    g = np.random.default_rng(seed)
    return g.normal(size=(N, D)) + 1, g.normal(size=(D, K)), np.arange(N) % 5 > 0


def softmax(scores):
    p = np.exp(scores - scores.max(1, keepdims=True))
    return p / p.sum(1, keepdims=True)


def by_loops(p, tolerance):
    """P^lambda scaled by columns and rows in turn, with the sum of changes looked at in every tenth iteration."""
    n, k = p.shape
    c, change, count = np.full(n, 1 / n), np.inf, 0
    while change > tolerance:
        r = 1 / k / np.array([sum(p[i, j] * c[i] for i in range(n)) for j in range(k)])
        new = 1 / n / np.array([sum(r[j] * p[i, j] for j in range(k)) for i in range(n)])
        if count % 10 == 0:
            change = np.abs(c / new - 1).sum()
        c, count = new, count + 1
    return p * c[:, None] * r[None], count


def log_of(kernel, x):
    return SHARP * jax.nn.log_softmax(x @ kernel, -1)


def labels(x, kernel, valid, **options):
    return jax.jit(lambda x, valid: transport.labels(lambda rows: log_of(kernel, rows), x, valid, **options))(x, valid)


@pytest.mark.parametrize("tolerance", [0.1, 1e-6])
@pytest.mark.parametrize("at_once", [7 * K, 2**24])
def test_labels_are_those_of_the_loop_over_matrices(strict, tolerance, at_once):
    x, kernel, valid = data()
    plan, count = by_loops(softmax(x[valid] @ kernel) ** SHARP, tolerance)
    assert 10 < count < transport.MOST
    found = np.asarray(labels(x, kernel, valid, tolerance=tolerance, scores_at_once=at_once))
    np.testing.assert_array_equal(found[valid], plan.argmax(1))
    assert (found[~valid] == -1).all()


def test_all_clusters_are_taken_alike_where_a_softmax_takes_some(strict):
    x, kernel, valid = data()
    found = np.asarray(labels(x, kernel, valid, tolerance=1e-6))
    plan, _ = by_loops(softmax(x[valid] @ kernel) ** SHARP, 1e-6)
    np.testing.assert_allclose(plan.sum(0), 1 / K, rtol=1e-6)
    np.testing.assert_allclose(plan.sum(1), 1 / valid.sum(), rtol=1e-6)
    balanced, alone = (np.bincount(a, minlength=K) for a in (found[valid], (x[valid] @ kernel).argmax(1)))
    assert balanced.max() < 1.5 * balanced.min() and alone.max() > 3 * alone.min()


def test_a_mesh_changes_nothing(strict):
    x, kernel, valid = data(1)
    mesh = jax.make_mesh((8,), ("data",), axis_types=(jax.sharding.AxisType.Auto,))
    spread = [jax.device_put(a, NamedSharding(mesh, PartitionSpec("data"))) for a in (x, valid)]
    one, other = labels(x, kernel, valid), labels(spread[0], kernel, spread[1], scores_at_once=3 * K)
    np.testing.assert_array_equal(one, other)


def test_float32_ends_by_itself_where_the_bound_is_below_its_rounding():
    """lambda 25 is no float32 as a power; as a logarithm it is, and the labels are those of float64."""
    x, kernel, valid = data(2)

    def found(x, kernel):
        sharp = lambda rows: 2.5 * log_of(kernel, rows)  # noqa: E731
        scaled = jax.jit(lambda x, valid: transport.labels(sharp, x, valid, tolerance=1e-12))
        return np.asarray(scaled(x, valid))

    single = found(jnp.float32(x), jnp.float32(kernel))
    with jax.enable_x64(True):
        assert np.mean(single == found(jnp.asarray(x), jnp.asarray(kernel))) > 0.97


def test_each_head_labels_its_own_crop(strict):
    x, kernel, valid = data()
    other, second, _ = data(3)
    held = bank.Bank(jnp.stack([jnp.asarray(x), jnp.asarray(other)], 1), jnp.asarray(valid))
    heads = jnp.stack([kernel, second, second])
    found = np.asarray(jax.jit(lambda heads, held: transport.by_heads(log_of, heads, held))(heads, held))
    for h, (rows, own) in enumerate([(x, kernel), (other, second), (x, second)]):
        np.testing.assert_array_equal(found[:, h], labels(rows, own, valid))
    alone = jax.jit(lambda heads, held: transport.by_heads(log_of, heads, held))(heads, held._replace(rows=x))
    np.testing.assert_array_equal(alone[:, 2], found[:, 2])


def test_nothing_to_label(strict):
    x, kernel, _ = data()
    assert (np.asarray(labels(x, kernel, np.zeros(N, bool))) == -1).all()
