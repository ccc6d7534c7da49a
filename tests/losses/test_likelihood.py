"""Likelihoods and divergences against loops, closed forms and draws."""

import jax
import numpy as np
import pytest
from numpy.testing import assert_allclose

from ssl_jax.losses import likelihood


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


def log_gaussian(prediction, target, variance):
    """-log of a product of densities, number by number; of one image."""
    terms = [
        (x - y) ** 2 / (2 * variance) + np.log(2 * np.pi * variance) / 2
        for x, y in zip(target.ravel(), prediction.ravel(), strict=True)
    ]
    return sum(terms)


def log_bernoulli(logits, target):
    p = [1 / (1 + np.exp(-logit)) for logit in logits.ravel()]
    return -sum(x * np.log(q) + (1 - x) * np.log(1 - q) for q, x in zip(p, target.ravel(), strict=True))


def divergence(mean, log_variance):
    return sum((m**2 + np.exp(v) - 1 - v) / 2 for m, v in zip(mean.ravel(), log_variance.ravel(), strict=True))


CASES = {
    "squared": (likelihood.squared_error, lambda y, x: sum((y.ravel() - x.ravel()) ** 2), (0, 1)),
    "mean": (likelihood.mean_squared_error, lambda y, x: sum((y.ravel() - x.ravel()) ** 2) / x.size, (0, 1)),
    "gaussian": (
        lambda y, x: likelihood.gaussian(y, x, variance=0.3),
        lambda y, x: log_gaussian(y, x, 0.3),
        (0, 1),
    ),
    "bernoulli": (likelihood.bernoulli, log_bernoulli, (0, None)),
    "divergence": (likelihood.normal_divergence, divergence, (0, 1)),
}


@pytest.mark.parametrize("name", CASES)
def test_value_and_gradient_by_loops(strict, gradient, name):
    function, oracle, places = CASES[name]
    first, second = normal(0, 3, 2, 2, 1), normal(1, 3, 2, 2, 1)
    if name == "bernoulli":
        second = np.random.default_rng(2).random((3, 2, 2, 1))
    if name == "divergence":
        first, second = first.reshape(3, 4), second.reshape(3, 4)
    expected = [oracle(a, b) for a, b in zip(first, second, strict=True)]
    assert_allclose(function(first, second), expected, rtol=1e-10)
    wanted = [place for place in places if place is not None]
    slopes = jax.grad(lambda *a: function(*a).sum(), argnums=tuple(wanted))(first, second)
    both = [first, second]
    for place, slope in zip(wanted, slopes, strict=True):

        def total(x, place=place):
            args = [x if i == place else both[i] for i in (0, 1)]
            return sum(oracle(a, b) for a, b in zip(*args, strict=True))

        assert_allclose(slope, gradient(total, both[place]), rtol=1e-10, atol=1e-10)


def test_the_divergence_is_zero_at_the_prior_alone_and_is_the_mean_over_draws(strict):
    mean, log_variance = np.asarray([[0.3, -1.0]]), np.asarray([[0.5, -0.7]])
    assert likelihood.normal_divergence(0 * mean, 0 * mean)[0] == 0
    assert (
        min(likelihood.normal_divergence(mean, 0 * mean)[0], likelihood.normal_divergence(0 * mean, log_variance)[0])
        > 0.1
    )
    z = mean + np.exp(log_variance / 2) * normal(3, 400_000, 2)
    log_ratio = -0.5 * (((z - mean) ** 2) * np.exp(-log_variance) + log_variance - z**2).sum(1)
    error = log_ratio.std() / np.sqrt(len(z))
    assert abs(log_ratio.mean() - likelihood.normal_divergence(mean, log_variance)[0]) < 4 * error < 0.02


def test_logits_far_out_stay_finite():
    logits = np.asarray([[1e4, -1e4]], np.float32)
    assert_allclose(likelihood.bernoulli(logits, np.asarray([[1, 0]], np.float32)), 0)
    assert np.isfinite(jax.grad(lambda x: likelihood.bernoulli(x, 0.5 + 0 * x).sum())(logits)).all()


def test_shapes_that_would_broadcast_are_refused():
    with pytest.raises(AssertionError):
        likelihood.squared_error(np.zeros((2, 3)), np.zeros((1, 3)))
