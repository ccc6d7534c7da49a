"""k-means of a bank: scikit-learn's from the same start, on any mesh, in any pieces, with empty clusters filled."""

import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import NamedSharding, PartitionSpec
from sklearn.cluster import KMeans

from ssl_jax.losses import clustering
from ssl_jax.passes import clusters

N, D, K = 96, 4, 6
of_rows = jax.jit(clusters.of_rows, static_argnames=("clusters", "iterations", "scores_at_once"))
KEY = jax.random.key(3)


@pytest.fixture(autouse=True)
def wide(strict):
    return strict


def data():
    """Unit rows around a few directions, and which of them count."""
    g = np.random.default_rng(0)
    x = g.normal(size=(N, D)) + 2 * np.eye(D)[g.integers(0, D, N)]
    return x / np.linalg.norm(x, axis=1, keepdims=True), np.arange(N) % 7 > 0


@pytest.mark.parametrize("at_once", [5 * K, 2**24])
def test_it_is_scikit_learns_from_the_same_rows(at_once):
    x, valid = data()
    start = np.asarray(clustering.drawn(KEY, x, valid, clusters=K))
    assert len(np.unique(start, axis=0)) == K
    assert {tuple(row) for row in start} <= {tuple(row) for row in x[valid]}
    found = of_rows(KEY, x, valid, clusters=K, iterations=7, scores_at_once=at_once)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it has not converged, and shall not
        oracle = KMeans(K, init=start, n_init=1, max_iter=7, tol=0, algorithm="lloyd").fit(x[valid])
    np.testing.assert_allclose(found.means, oracle.cluster_centers_, rtol=1e-9)
    np.testing.assert_array_equal(found.labels[valid], oracle.labels_)
    np.testing.assert_array_equal(found.labels[~valid], -1)
    np.testing.assert_allclose(np.sum(found.distances[valid] ** 2), oracle.inertia_, rtol=1e-9)


def test_it_is_the_same_on_a_mesh():
    x, valid = data()
    mesh = jax.make_mesh((8,), ("data",), axis_types=(jax.sharding.AxisType.Auto,))
    spread = [jax.device_put(a, NamedSharding(mesh, PartitionSpec("data"))) for a in (x, valid)]
    options = dict(clusters=K, iterations=5, scores_at_once=6 * K)
    one, other = of_rows(KEY, x, valid, **options), of_rows(KEY, *spread, **options)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12), one, other)


def test_clusters_that_begin_empty_are_filled():
    """Half of the rows are copies of one, so that several clusters begin there, of which all but one are empty."""
    x, _ = data()
    x[: N // 2] = x[0]
    valid = np.ones(N, bool)
    start = np.asarray(clustering.drawn(KEY, x, valid, clusters=20))
    assert len(np.unique(start, axis=0)) < 20
    found = of_rows(KEY, x, valid, clusters=20, iterations=3)
    assert len(np.unique(np.asarray(found.labels))) == 20


def test_with_no_row_that_counts_there_are_no_labels():
    x, _ = data()
    found = of_rows(KEY, x, np.zeros(N, bool), clusters=K, iterations=2)
    assert (np.asarray(found.labels) == -1).all() and np.isfinite(found.means).all()


def test_runs_begin_from_other_rows():
    x, valid = data()
    run = jax.jit(lambda key, x, valid: clusters.runs_of(key, x, valid, runs=3, clusters=K, iterations=2))
    labels = np.asarray(run(KEY, x, valid))
    assert labels.shape == (N, 3) and (labels[~valid] == -1).all() and (labels[valid] >= 0).all()
    together = [labels[valid][:, [h]] == labels[valid][:, h] for h in range(3)]  # which rows share a cluster
    assert not np.array_equal(*together[:2]) and not np.array_equal(*together[1:])
    own = of_rows(jax.random.split(KEY, 3)[1], x, valid, clusters=K, iterations=2)
    np.testing.assert_array_equal(labels[:, 1], own.labels)
    assert jnp.issubdtype(own.labels.dtype, jnp.integer)
