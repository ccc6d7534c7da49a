import itertools

import jax
import numpy as np
import pytest
from numpy.testing import assert_allclose

from ssl_jax.criteria import whitened
from ssl_jax.losses import whitening


def cholesky(a):
    """L of L L^T = a, entry by entry; of complex numbers too, so that a complex step passes through."""
    d = len(a)
    low = np.zeros((d, d), a.dtype)
    for i in range(d):
        for j in range(i + 1):
            rest = a[i, j] - sum(low[i, k] * low[j, k] for k in range(j))
            low[i, j] = np.sqrt(rest) if i == j else rest / low[j, j]
    return low


def whitened_by_loops(x, eps):
    x = x - x.mean(0)
    low = cholesky((1 - eps) * x.T @ x / (len(x) - 1) + eps * np.eye(x.shape[1]))
    out = np.zeros(x.shape, x.dtype)
    for n, row in enumerate(x):
        for i in range(len(row)):  # forward substitution
            out[n, i] = (row[i] - sum(low[i, k] * out[n, k] for k in range(i))) / low[i, i]
    return out


def w_mse_by_loops(z, order, size, eps):
    """z: [b, v, d]; order: the permutation that is cut."""
    total, pairs = 0, list(itertools.combinations(range(z.shape[1]), 2))
    for start in range(0, len(z), size):
        rows = z[order[start : start + size]]
        white = [whitened_by_loops(rows[:, i], eps) for i in range(z.shape[1])]
        for i, j in pairs:
            for a, b in zip(white[i], white[j], strict=True):
                total += 2 - 2 * (a @ b) / np.sqrt((a @ a) * (b @ b))
    return total / len(z) / len(pairs)


@pytest.mark.parametrize("v, size, eps", [(2, 6, 0.0), (3, 12, 0.1)])
def test_the_loss_by_loops_in_value_and_gradient(strict, see, gradient, v, size, eps):
    criterion, seen = whitened.w_mse(size=size, eps=eps), see(12, v, 2, 3)
    criterion.init(jax.random.key(0), seen)
    order = np.asarray(jax.random.permutation(jax.random.fold_in(seen.key, 0), 12))
    loss = jax.jit(jax.value_and_grad(lambda x: criterion.loss({}, {}, seen._replace(student=x))[0]))
    value, slope = loss(seen.student)
    assert_allclose(value, w_mse_by_loops(seen.student, order, size, eps), rtol=1e-10)
    expected = gradient(lambda x: w_mse_by_loops(x, order, size, eps), seen.student)
    assert_allclose(slope, expected, atol=1e-10)


def test_several_cuts_are_their_mean(strict, see):
    seen = see(12, 2, 2, 3)
    orders = [np.asarray(jax.random.permutation(jax.random.fold_in(seen.key, i), 12)) for i in range(2)]
    expected = np.mean([w_mse_by_loops(seen.student, order, 6, 0.0) for order in orders])
    assert_allclose(whitened.w_mse(size=6, iterations=2).loss({}, {}, seen)[0], expected, rtol=1e-10)


def test_rows_have_the_identity_as_their_covariance(strict):
    x = np.random.default_rng(0).normal(size=(64, 5)) @ np.random.default_rng(1).normal(size=(5, 5)) + 7
    white = whitening.whitened(x)
    assert_allclose(white.mean(0), 0, atol=1e-12)
    assert_allclose(np.cov(white.T), np.eye(5), atol=1e-10)


def test_a_triangular_map_changes_nothing_and_a_general_one_only_turns(strict):
    g = np.random.default_rng(2)
    x, low = g.normal(size=(32, 4)), np.tril(g.normal(size=(4, 4)))
    np.fill_diagonal(low, [0.5, 1, 2, 3])
    assert_allclose(whitening.whitened(x @ low.T + 5), whitening.whitened(x), atol=1e-10)
    turned = whitening.whitened(x @ g.normal(size=(4, 4)))
    assert_allclose(turned @ turned.T, whitening.whitened(x) @ whitening.whitened(x).T, atol=1e-8)


def test_equal_views_are_0_and_independent_ones_2(strict, see):
    criterion, seen = whitened.w_mse(size=256), see(2048, 2, 2, 16)
    assert_allclose(criterion.loss({}, {}, seen)[0], 2, atol=0.05)
    same = np.repeat(seen.student[:, :1], 2, 1)
    assert_allclose(criterion.loss({}, {}, seen._replace(student=same))[0], 0, atol=1e-12)


@pytest.mark.parametrize(
    "b, d, sentence",
    [
        (20, 3, "a batch of 20 examples cannot be cut into slices of 16"),
        (16, 9, "9 dimensions; take at least 18"),
    ],
)
def test_slices_that_do_not_fit_are_refused(see, b, d, sentence):
    with pytest.raises(ValueError, match=sentence):
        whitened.w_mse(size=16).init(jax.random.key(0), see(b, 2, 2, d))
