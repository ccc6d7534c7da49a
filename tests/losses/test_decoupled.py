import jax
import numpy as np
import pytest
from numpy.testing import assert_allclose

from ssl_jax.losses import contrastive

decoupled = jax.jit(contrastive.decoupled, static_argnames="sigma")


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


def cos(a, b):
    return (a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum())


def weights_by_loops(views, sigma):
    """w of eq. 6, of each example and ordered pair of views."""
    b, v, _ = views.shape
    w = np.ones((b, v, v))
    for s, t in np.ndindex(v, v):
        e = [np.exp(cos(views[i, s], views[i, t]) / sigma) for i in range(b)]
        w[:, s, t] = [2 - x / (sum(e) / b) for x in e]
    return w


def by_loops(views, temperature, weights):
    """Eq. 5, in which the negatives are all views of the other examples."""
    b, v, _ = views.shape
    terms = []
    for i, s, t in ((i, s, t) for i in range(b) for s in range(v) for t in range(v) if s != t):
        negatives = sum(
            np.exp(cos(views[i, s], views[j, r]) / temperature) for j in range(b) for r in range(v) if j != i
        )
        terms.append(-weights[i, s, t] * cos(views[i, s], views[i, t]) / temperature + np.log(negatives))
    return sum(terms) / len(terms)


@pytest.mark.parametrize("sigma", [None, 0.5, 0.1])
@pytest.mark.parametrize("v", [2, 3])
def test_it_is_equation_5_or_6_with_weights_that_take_no_gradient(strict, gradient, sigma, v):
    views = normal(v, 4, v, 3)
    weights = np.ones((4, v, v)) if sigma is None else weights_by_loops(views, sigma)
    value, slope = jax.value_and_grad(lambda x: decoupled(x, 0.3, sigma=sigma))(views)
    assert_allclose(value, by_loops(views, 0.3, weights), rtol=1e-10)
    assert_allclose(slope, gradient(lambda x: by_loops(x, 0.3, weights), views), atol=1e-10)
    if sigma is not None:
        off = ~np.eye(v, dtype=bool)
        assert_allclose(weights.mean(0)[off], 1, rtol=1e-12)
        assert np.ptp(weights[:, off]) > 0.1


def test_nt_xent_is_the_softplus_of_each_pair(strict):
    views = normal(4, 5, 2, 3)
    ones, gaps = np.ones((5, 2, 2)), []
    for i in range(5):  # row i and its two views alone, as anchors
        for s in range(2):
            negatives = sum(np.exp(cos(views[i, s], views[j, r]) / 0.2) for j in range(5) for r in range(2) if j != i)
            gaps.append(np.log(negatives) - cos(views[i, s], views[i, 1 - s]) / 0.2)
    assert_allclose(np.mean(gaps), by_loops(views, 0.2, ones), rtol=1e-12)
    assert_allclose(contrastive.nt_xent(views, 0.2), np.log1p(np.exp(gaps)).mean(), rtol=1e-12)


@pytest.mark.parametrize("sigma", [None, 0.5])
def test_known_points(strict, sigma):
    assert_allclose(decoupled(np.ones((64, 2, 5)), 0.1, sigma=sigma), np.log(126), rtol=1e-12)
    # Perfect positives, orthogonal negatives: below zero where NT-Xent never is.
    perfect = np.repeat(np.eye(8)[:, None], 2, 1)
    assert_allclose(decoupled(perfect, 0.1, sigma=sigma), np.log(14) - 10, rtol=1e-12)
    isotropic = np.log(510) + 1 / (2 * 128 * 0.1**2)
    assert_allclose(decoupled(normal(5, 256, 2, 128), 0.1, sigma=sigma), isotropic, atol=0.1)


@pytest.mark.parametrize("sigma", [None, 0.5])
def test_symmetries(strict, sigma):
    views, order = normal(6, 7, 2, 4), np.random.default_rng(7).permutation(7)
    value = decoupled(views, 0.2, sigma=sigma)
    for same in (views[:, ::-1], views[order], views * 3):
        assert_allclose(decoupled(same, 0.2, sigma=sigma), value, rtol=1e-12)
