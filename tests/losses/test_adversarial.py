"""Adversaries' losses and the error with a band, against loops: values and gradients."""

import jax
import numpy as np
import pytest
from numpy.testing import assert_allclose

from ssl_jax.losses import adversarial, reconstruction
from ssl_jax.tasks import holes

NAMES = ("image", "latent", "joint")


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


def scores(rows):
    return dict(zip(NAMES, rows, strict=True))


def cross_entropy(logits, real):
    p = [1 / (1 + np.exp(-logit)) for logit in logits]
    return sum(-np.log(q if real else 1 - q) for q in p) / len(p)


def hinge(rows, real):
    """Of each score; the branch goes by the real part, so that a complex step passes."""
    terms = [1 - s if real else 1 + s for row in rows for s in row]
    return sum(t for t in terms if np.real(t) > 0) / rows.shape[1]


@pytest.mark.parametrize("real", [True, False])
def test_value_and_gradient_by_loops(strict, gradient, real):
    logits, rows = 2 * normal(0, 5), 2 * normal(1, 3, 4)
    value, slope = jax.value_and_grad(lambda x: adversarial.cross_entropy(x, real=real))(logits)
    assert_allclose(value, cross_entropy(logits, real), rtol=1e-10)
    assert_allclose(slope, gradient(lambda x: cross_entropy(x, real), logits), atol=1e-10)
    value, slope = jax.value_and_grad(lambda x: adversarial.hinge(scores(x), real=real))(rows)
    assert_allclose(value, hinge(rows, real), rtol=1e-10)
    assert_allclose(slope, gradient(lambda x: hinge(x, real), rows), atol=1e-10)
    assert 0 < np.count_nonzero(slope) < slope.size, "one branch alone was looked at"


def test_the_gap_of_a_critic(strict, gradient):
    real, made = normal(2, 3, 4), normal(3, 3, 4)
    gap = lambda a, b: adversarial.critic_gap(scores(a), scores(b))  # noqa: E731
    assert_allclose(gap(real, made), (real.sum() - made.sum()) / 4, rtol=1e-10)
    assert_allclose(gap(made, real), -gap(real, made), rtol=1e-12)
    for place, sign in ((0, 1), (1, -1)):
        assert_allclose(jax.grad(gap, argnums=place)(real, made), np.full((3, 4), sign / 4), rtol=1e-12)


def test_scores_that_say_nothing(strict):
    nothing = scores(np.zeros((3, 4)))
    assert adversarial.hinge(nothing, real=True) + adversarial.hinge(nothing, real=False) == 6
    assert adversarial.critic_gap(nothing, nothing) == 0
    assert_allclose(adversarial.cross_entropy(np.zeros(3), real=True), np.log(2))
    # of each score, not of their sum, which is 0 here
    assert adversarial.hinge(scores(np.asarray([[3.0], [-3.0], [0.0]])), real=True) == 0 + 4 + 1


def banded(prediction, target, band, weight):
    total, (b, h, w, c) = 0, prediction.shape
    for place in np.ndindex(b, h, w, c):
        edge = min(place[1], place[2], h - 1 - place[1], w - 1 - place[2])
        total = total + (weight if edge < band else 1) * (prediction[place] - target[place]) ** 2
    return total / prediction.size


@pytest.mark.parametrize("band", [0, 1])
def test_the_band_counts_more(strict, gradient, band):
    prediction, target = normal(4, 2, 4, 4, 2), normal(5, 2, 4, 4, 2)
    hidden = holes.central(4, band=band, color=(0.0,)).cut(None, np.zeros((2, 6, 6, 2)))[1]
    of = lambda x: reconstruction.hidden_squared(x, target, hidden, shown=10.0)  # noqa: E731
    assert_allclose(of(prediction), banded(prediction, target, band, 10.0), rtol=1e-10)
    expected = gradient(lambda x: banded(x, target, band, 10.0), prediction)
    assert_allclose(jax.grad(of)(prediction), expected, atol=1e-10)
