import jax
import numpy as np
import pytest
from numpy.testing import assert_allclose

from ssl_jax.losses import regression

rank_n_contrast, squared_error = jax.jit(regression.rank_n_contrast), jax.jit(regression.squared_error)


def by_loops(z, y, temperature):
    """Equations 1 and 2, pair by pair; rows without a target are not there."""
    kept = [i for i in range(len(z)) if np.isfinite(y[i]).all()]
    like = lambda i, j: -np.sqrt(((z[i] - z[j]) ** 2).sum()) / temperature  # noqa: E731
    apart = lambda i, j: np.abs(y[i] - y[j]).sum()  # noqa: E731
    total, pairs = 0, 0
    for i in kept:
        for j in (j for j in kept if j != i):
            rest = [k for k in kept if k != i and apart(i, k) >= apart(i, j)]
            total -= like(i, j) - np.log(sum(np.exp(like(i, k)) for k in rest))
            pairs += 1
    return total / pairs


def drawn(seed=0, n=9, k=1):
    """Features and targets, of which some are alike and one is missing."""
    g = np.random.default_rng(seed)
    y = g.integers(0, 4, (n, k)).astype(float)
    y[4, 0] = np.nan
    return g.normal(size=(n, 3)), y


@pytest.mark.parametrize("k", [1, 2])
@pytest.mark.parametrize("temperature", [0.5, 2.0])
def test_rank_n_contrast_is_equation_2(strict, gradient, temperature, k):
    z, y = drawn(k=k)
    value, slope = jax.value_and_grad(rank_n_contrast)(z, y, temperature)
    assert_allclose(value, by_loops(z, y, temperature), rtol=1e-12)
    assert_allclose(slope, gradient(lambda z: by_loops(z, y, temperature), z), rtol=1e-9, atol=1e-12)
    assert not np.any(slope[4])


def test_only_the_order_of_distances_counts(strict):
    """Shifted, scaled and turned round, targets say the same; bent they do not."""
    z, y = np.random.default_rng(0).normal(size=(8, 3)), np.random.default_rng(1).normal(size=(8, 1))
    first = rank_n_contrast(z, y, 2.0)
    for other in (y + 7, 3.7 * y, -0.2 * y + 1):
        assert_allclose(rank_n_contrast(z, other, 2.0), first, rtol=1e-12)
    assert abs(rank_n_contrast(z, np.exp(2 * y), 2.0) - first) > 1e-3


def test_equal_features_and_few_targets(strict):
    """Of equal features each term is the logarithm of how many are as far; 3 rows at 0, 1, 3 have 2 and 1 of these."""
    z, y = np.ones((3, 2)), np.array([[0.0], [1.0], [3.0]])
    value, slope = jax.value_and_grad(rank_n_contrast)(z, y, 2.0)
    assert_allclose(value, np.log(2) / 2, rtol=1e-12)
    assert not np.any(slope)
    for missing in (y * np.nan, np.array([[0.0], [np.nan], [np.nan]])):
        value, slope = jax.value_and_grad(rank_n_contrast)(z, missing, 2.0)
        assert value == 0 and not np.any(slope)


def test_features_in_the_order_of_targets_have_less_loss():
    y = np.linspace(0, 1, 12, dtype=np.float32)[:, None]
    shuffled = y[np.random.default_rng(0).permutation(12)]
    assert rank_n_contrast(20 * y, y, 2.0) < rank_n_contrast(20 * shuffled, y, 2.0) - 0.5


def test_float32_keeps_its_digits_far_from_zero():
    """Features with a large common part: their differences are what counts."""
    z, y = drawn(n=8)
    far = (z + 1000).astype(np.float32)
    exact = by_loops(far.astype(float), y, 2.0)
    assert_allclose(rank_n_contrast(far, y.astype(np.float32), 2.0), exact, rtol=1e-4)


def test_squared_error_by_loops(strict, gradient):
    g = np.random.default_rng(0)
    prediction, target = g.normal(size=(5, 2)), g.normal(size=(5, 2))
    target[1, 0] = np.nan
    loops = lambda p: sum((p[i, j] - target[i, j]) ** 2 for i, j in np.ndindex(5, 2) if (i, j) != (1, 0)) / 9  # noqa: E731
    value, slope = jax.value_and_grad(squared_error)(prediction, target)
    assert_allclose(value, loops(prediction), rtol=1e-12)
    assert_allclose(slope, gradient(loops, prediction), rtol=1e-10)
    assert squared_error(prediction, target * np.nan) == 0
