"""Neighbors within a set equal those of loops in numpy."""

import numpy as np
import pytest

from ssl_jax.evals import alike


@pytest.fixture(scope="module")
def x():
    x = np.random.default_rng(0).normal(size=(50, 6)).astype(np.float32)
    x[20:27] = x[3]  # more copies than neighbors are asked for
    x[40] = 5 * x[41]
    return x


def looped(x, k):
    unit = x.astype(np.float64) / np.linalg.norm(x, axis=1, keepdims=True)
    cosines = unit @ unit.T
    np.fill_diagonal(cosines, -np.inf)
    return -np.sort(-cosines, 1)[:, :k], cosines


@pytest.mark.parametrize("queries", [7, 4096])
def test_the_nearest_are_those_of_a_loop_and_nobody_is_its_own(x, queries, monkeypatch):
    monkeypatch.setattr(alike, "QUERIES", queries)
    told = []
    cosines, rows = alike.nearest(x, k=4, say=lambda done, total: told.append((done, total)))
    wanted, every = looped(x, 4)
    np.testing.assert_allclose(cosines, wanted, atol=1e-6)
    np.testing.assert_allclose(np.take_along_axis(every, rows, 1), wanted, atol=1e-6)
    assert (rows != np.arange(50)[:, None]).all() and told[-1] == (50, 50)
    assert all(len(set(line)) == 4 for line in rows.tolist())
    np.testing.assert_allclose(alike.distance(cosines), 1 - wanted.mean(1), atol=1e-6)


def test_pairs_come_once_and_the_most_alike_first(x):
    cosines, rows = alike.nearest(x, k=9)
    found, values = alike.pairs(cosines, rows, 0.9)
    _, every = looped(x, 9)
    wanted = {(i, j) for i in range(50) for j in range(i) if every[i, j] >= 0.9}
    assert {(j, i) for i, j in found.tolist()} == wanted and len(found) == len(wanted) > 28
    np.testing.assert_allclose(values, [every[i, j] for i, j in found], atol=1e-6)
    assert (np.diff(values) <= 0).all() and [40, 41] in found.tolist()
    assert len(alike.pairs(cosines, rows, 1.1)[0]) == 0


@pytest.mark.parametrize("k", [0, 50])
def test_more_neighbors_than_there_are_others_is_one_sentence(x, k):
    with pytest.raises(ValueError, match=f"{k} neighbors are asked for, and each of 50 examples has 49 others"):
        alike.nearest(x, k=k)
