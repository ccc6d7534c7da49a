"""The Chamfer distance against loops in numpy, in value and gradient, and what it does not depend on."""

import jax
import numpy as np
import pytest
from numpy.testing import assert_allclose

from ssl_jax.losses.chamfer import squared_chamfer

pytestmark = pytest.mark.usefixtures("strict")


def drawn(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def by_loops(x, y):
    """(value, gradient for x) of two clouds, point by point."""
    value, slope = 0.0, np.zeros_like(x)
    for mine, others, count, forward in ((x, y, len(x), True), (y, x, len(y), False)):
        for i, point in enumerate(mine):
            distances = [sum((point[k] - other[k]) ** 2 for k in range(3)) for other in others]
            j = int(np.argmin(distances))
            value += distances[j] / count
            a, b = (i, j) if forward else (j, i)
            slope[a] += 2 * (x[a] - y[b]) / count
    return value, slope


def test_it_is_that_of_loops_in_value_and_gradient():
    x, y = drawn(2, 3, 7, 3), drawn(2, 3, 5, 3, seed=1)
    values = squared_chamfer(x, y)
    slopes = jax.grad(lambda x: squared_chamfer(x, y).sum())(x)
    assert values.shape == (2, 3) and values.dtype == np.float64
    for place in np.ndindex(2, 3):
        value, slope = by_loops(x[place], y[place])
        assert_allclose(values[place], value, rtol=1e-12)
        assert_allclose(slopes[place], slope, rtol=1e-10, atol=1e-13)


def test_what_it_depends_on():
    x, y = drawn(6, 3), drawn(9, 3, seed=1)
    value, order = squared_chamfer(x, y), np.random.default_rng(2).permutation(9)
    assert squared_chamfer(x, x) == 0 and squared_chamfer(x, x[::-1]) == 0
    assert_allclose(squared_chamfer(y, x), value, rtol=1e-12)
    assert_allclose(squared_chamfer(x, y[order]), value, rtol=1e-12)
    assert_allclose(squared_chamfer(x + 3.0, y + 3.0), value, rtol=1e-9)
    assert_allclose(squared_chamfer(2 * x, 2 * y), 4 * value, rtol=1e-12)


def test_bfloat16_is_widened():
    x = drawn(6, 3).astype(jax.numpy.bfloat16)
    assert squared_chamfer(x, x).dtype == np.float32
