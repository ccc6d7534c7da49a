"""Steps of k-means in batches against scikit-learn from the same start, empty clusters included; starts."""

import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.cluster import KMeans

from ssl_jax.passes import lloyd, sample

N, D, K = 203, 5, 6


def data():
    generator = np.random.default_rng(1)
    return generator.normal(size=(N, D)) + 4 * generator.integers(0, 3, (N, 1))


def batches(x, size, bad=()):
    """(index, rows, real), the last batch filled up."""
    for start in range(0, len(x), size):
        index = np.minimum(np.arange(start, start + size), len(x) - 1)
        real = (np.arange(start, start + size) < len(x)) & ~np.isin(index, bad)
        yield jnp.asarray(index), jnp.asarray(x[index]), jnp.asarray(real)


def step(x, centroids, size=32, bad=()):
    held = lloyd.none(centroids)
    for _, rows, real in batches(x, size, bad):
        held = jax.jit(lloyd.joined)(held, centroids, rows, real)
    return held, jax.jit(lloyd.moved)(held, centroids)


def oracle(x, start, steps):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it has not converged, and shall not
        return KMeans(len(start), init=np.asarray(start), n_init=1, max_iter=steps, tol=0, algorithm="lloyd").fit(x)


@pytest.mark.parametrize("steps", [1, 2, 5, 60])
@pytest.mark.parametrize("size", [7, 500])
def test_steps_are_those_of_scikit_learn(steps, size):
    with jax.enable_x64(True):
        x = data()
        start = centroids = jnp.asarray(x[:K])
        inertia = [np.inf]
        for _ in range(steps):
            held, centroids = step(x, centroids, size)
            assert held.inertia <= inertia[-1] + 1e-9
            inertia.append(float(held.inertia))
        found = oracle(x, start, steps)
        np.testing.assert_allclose(centroids, found.cluster_centers_, rtol=1e-9)
        label, distance = lloyd.assigned(jnp.asarray(x), centroids)
        np.testing.assert_array_equal(label, found.labels_)
        np.testing.assert_allclose(distance.sum(), found.inertia_, rtol=1e-9)


@pytest.mark.parametrize("empty", [1, 2])
def test_empty_clusters_are_filled_as_scikit_learn_fills_them(empty):
    with jax.enable_x64(True):
        x = data()
        start = np.concatenate([np.full((1, D), 1e3), x[:3], np.full((empty - 1, D), -1e3)])
        held, centroids = step(x, jnp.asarray(start))
        assert np.sum(np.asarray(held.size) == 0) == empty
        found = oracle(x, start, 1)
        # Which of several empty clusters gets which row is left open there.
        order = lambda rows: np.asarray(rows)[np.lexsort(np.round(np.asarray(rows), 6).T)]  # noqa: E731
        np.testing.assert_allclose(order(centroids), order(found.cluster_centers_), rtol=1e-9)


def test_rows_that_are_not_real_do_not_count():
    with jax.enable_x64(True):
        x, bad = data(), (0, 17, 202)
        rest = np.delete(x, bad, 0)
        (some, _), (all_, _) = step(x, jnp.asarray(x[5:9]), 32, bad), step(rest, jnp.asarray(x[5:9]))
        for one, other in zip(some[:3], all_[:3], strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-12)


def test_extremes():
    with jax.enable_x64(True):
        x = data()
        held, centroids = step(x, jnp.asarray(x[:1]))
        np.testing.assert_allclose(centroids[0], x.mean(0))
        np.testing.assert_allclose(step(x, centroids)[0].inertia, x.var(0).sum() * len(x))
        held, centroids = step(x, jnp.asarray(x), 50)
        assert held.inertia == 0 and (np.asarray(centroids) == x).all()
        few = np.repeat(x[:2], 5, 0)  # fewer different rows than clusters: nothing to fill them with
        _, centroids = step(few, jnp.asarray(np.concatenate([few[:1], few[5:6], x[10:12] + 50])))
        np.testing.assert_array_equal(centroids[2:], x[10:12] + 50)


def drawn(x, count, size=32, bad=(), seed=0):
    held = sample.none(jax.random.key(seed), count, x.shape[1], x.dtype)
    for index, rows, real in batches(x, size, bad):
        held = jax.jit(sample.drawn)(held, index, rows, real)
    return held


def test_a_sample_depends_on_key_and_index_alone():
    x = np.float32(data())
    one, other = drawn(x, 20, 7), drawn(x, 20, 100)
    np.testing.assert_array_equal(one.rows, other.rows)
    assert (np.asarray(drawn(x, 20, seed=1).rows) != np.asarray(one.rows)).any()
    whole = drawn(x, 300)
    assert (np.asarray(whole.numbers) >= 0).sum() == N
    assert {tuple(row) for row in np.asarray(whole.rows)[:N]} == {tuple(row) for row in np.float32(x)}
    bad = tuple(range(0, N, 2))
    kept = np.asarray(drawn(x, 300, bad=bad).rows)[: N // 2]
    assert {tuple(row) for row in kept} == {tuple(row) for row in np.float32(x)[1::2]}


def test_each_row_is_drawn_equally_often():
    x = np.arange(40, dtype=np.float32)[:, None]
    counts = np.zeros(40)
    for seed in range(400):
        counts[np.asarray(drawn(x, 10, 40, seed=seed).rows)[:, 0].astype(int)] += 1
    assert abs(counts - 100).max() < 4.5 * np.sqrt(400 * 0.25 * 0.75)


def test_plus_plus_draws_by_squared_distance():
    """Of three rows at 0, 1 and 3, from 0 the second is drawn with chances 1 and 9 of 10."""
    held = sample.Sample(jax.random.key(0), jnp.array([0.9, 0.8, 0.7, -1.0]), jnp.array([[0.0], [1.0], [3.0], [99.0]]))
    second = jax.vmap(lambda seed: sample.plus_plus(jax.random.key(seed), held, 2)[1, 0])(jnp.arange(4000))
    assert abs(np.mean(np.asarray(second) == 3) - 0.9) < 4 * np.sqrt(0.09 / 4000)
    assert set(np.asarray(second).tolist()) == {1.0, 3.0}
    every = sample.plus_plus(jax.random.key(1), held, 3)
    assert sorted(np.asarray(every)[:, 0].tolist()) == [0, 1, 3]
    more = sample.plus_plus(jax.random.key(1), held, 6)
    assert set(np.asarray(more)[:, 0].tolist()) == {0, 1, 3}


def test_random_starts_are_different_rows():
    x = np.float32(data())
    start = sample.random(jax.random.key(0), drawn(x, 50), 6)
    assert len(np.unique(np.asarray(start), axis=0)) == 6
    again = sample.random(jax.random.key(0), drawn(x[:4], 50), 6)
    assert len(np.unique(np.asarray(again), axis=0)) == 4
