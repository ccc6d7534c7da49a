import jax
import numpy as np
import pytest
from numpy.testing import assert_allclose

from ssl_jax.losses import reconstruction

masked_mean, squared = jax.jit(reconstruction.masked_mean), jax.jit(reconstruction.squared)
normalize = jax.jit(reconstruction.normalize)


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


@jax.jit
def loss(prediction, target, mask):
    return masked_mean(squared(prediction, target), mask)


def loss_by_loops(prediction, target, mask):
    places = list(zip(*np.nonzero(mask), strict=True))
    total = sum(((prediction[i] - target[i]) ** 2).sum() / target.shape[-1] for i in places)
    return total / len(places)


def test_masked_squared_error_by_loops(strict, gradient):
    prediction, target = normal(0, 3, 4, 5), normal(1, 3, 4, 5)
    mask = np.random.default_rng(2).random((3, 4)) < 0.5
    value, slope = jax.value_and_grad(loss)(*(prediction, target, mask))
    assert_allclose(value, loss_by_loops(prediction, target, mask), rtol=1e-10)
    assert_allclose(slope, gradient(lambda x: loss_by_loops(x, target, mask), prediction), atol=1e-10)
    assert not np.asarray(slope)[~mask].any()


def test_what_is_outside_the_mask_reaches_nothing(strict):
    values, mask = np.asarray([[1.0, 2.0, np.nan]]), np.asarray([[True, True, False]])
    assert masked_mean(values, mask) == 1.5
    assert_allclose(jax.grad(masked_mean)(values, mask), [[0.5, 0.5, 0]])
    assert masked_mean(values, np.zeros_like(mask)) == 0


def test_normalize_uses_the_unbiased_variance(strict):
    patches = normal(3, 2, 3, 16) * 7 + 100
    expected = (patches - patches.mean(-1, keepdims=True)) / np.sqrt(patches.var(-1, ddof=1, keepdims=True) + 1e-6)
    assert_allclose(normalize(patches), expected, rtol=1e-10)


@pytest.mark.parametrize("p", [16, 48, 768])
def test_a_zero_prediction_costs_n_minus_1_over_n(strict, p):
    target = normalize(100 * normal(4, 2, 3, p))
    assert_allclose(loss(np.zeros_like(target), target, np.ones((2, 3), bool)), (p - 1) / p, rtol=1e-6)


def test_flat_patches_become_zero_with_a_finite_gradient(strict):
    flat = np.full((1, 2, 4), 0.3)
    assert_allclose(normalize(flat), 0, atol=1e-12)
    assert np.isfinite(jax.jacobian(normalize)(flat)).all()
    scaled = normal(5, 1, 2, 4)
    assert_allclose(normalize(1000 * scaled + 5), normalize(scaled), rtol=1e-4)


def test_patches_of_one_value_are_refused():
    with pytest.raises(ValueError, match="1 value"):
        normalize(np.ones((1, 2, 1)))
