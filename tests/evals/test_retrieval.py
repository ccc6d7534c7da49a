"""Recall against brute force, ties against all orders, chance against its formula."""

import itertools

import numpy as np
import pytest
from numpy.testing import assert_allclose

from ssl_jax.evals import retrieval
from ssl_jax.evals.retrieval import chance, recall


def by_loops(query, candidates, right, k, apart):
    hits = []
    for i, q in enumerate(query):
        own = [j for j in range(len(candidates)) if not (apart and i == j)]
        cosine = {j: q @ candidates[j] / np.linalg.norm(q) / np.linalg.norm(candidates[j]) for j in own}
        nearest = sorted(own, key=lambda j: -cosine[j])[:k]  # noqa: B023
        if any(right[i, j] for j in own):
            hits.append(any(right[i, j] for j in nearest))
    return np.mean(hits)


@pytest.mark.parametrize("apart", [False, True])
def test_recall_is_brute_force(apart, monkeypatch):
    monkeypatch.setattr(retrieval, "BLOCK", 7)
    g = np.random.default_rng(0)
    for _ in range(5):
        query, candidates = g.normal(size=(20, 3)), g.normal(size=(20, 3))
        right = g.random((20, 20)) < 0.08
        found = recall(query, candidates, right, ks=(1, 2, 5), apart=apart)
        for k in (1, 2, 5):
            assert_allclose(found[k], by_loops(query, candidates, right, k, apart))


def test_ties_are_a_mean_over_all_orders():
    g = np.random.default_rng(1)
    for _ in range(20):
        levels, right = g.integers(0, 3, 6), g.random(6) < 0.4
        if not right.any():
            continue
        candidates = np.stack([np.cos(levels * 0.5), np.sin(levels * 0.5)], 1)
        found = recall(np.array([[1.0, 0.0]]), candidates, right[None], ks=(1, 2, 3))
        for k in (1, 2, 3):
            every = []
            for order in itertools.permutations(range(6)):
                ranked = sorted(order, key=lambda j: levels[j])  # noqa: B023
                every.append(right[ranked[:k]].any())
            assert_allclose(found[k], np.mean(every))


def test_equal_embeddings_are_chance():
    right = np.eye(50, dtype=bool)
    g = np.random.default_rng(2)
    row = g.normal(size=(1, 33)).astype(np.float32)
    for apart in (False,):
        found = recall(np.repeat(row, 50, 0), np.repeat(row, 50, 0), right, apart=apart)
        assert_allclose([found[k] for k in (1, 5, 10)], [1 / 50, 5 / 50, 10 / 50])
        assert found == chance(right)
    other = np.kron(np.eye(25), [[0, 1], [1, 0]]).astype(bool)
    assert_allclose([chance(other, apart=True)[k] for k in (1, 5)], [1 / 49, 5 / 49])


def test_perfect_embeddings_find_all_and_scale_does_not_count():
    x = np.random.default_rng(3).normal(size=(30, 8))
    assert recall(x * 5, x / 3, np.eye(30, dtype=bool)) == {1: 1.0, 5: 1.0, 10: 1.0}


def test_queries_without_an_answer_do_not_count():
    right = np.array([[True, False], [False, False]])
    assert recall(np.eye(2), np.eye(2), right, ks=(1,)) == {1: 1.0}
    with pytest.raises(ValueError, match="no query has a candidate"):
        recall(np.eye(2), np.eye(2), np.zeros((2, 2), bool))
    with pytest.raises(ValueError, match="features of 2 of the 2 candidates are not finite"):
        recall(np.eye(2), np.full((2, 2), np.nan), np.eye(2, dtype=bool))
