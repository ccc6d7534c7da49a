import jax
import numpy as np
from numpy.testing import assert_allclose

from ssl_jax.losses import redundancy

vibcreg, correlated = jax.jit(redundancy.vibcreg), jax.jit(redundancy.correlated)


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


def vibcreg_by_loops(a, b):
    n, d = a.shape
    total = 25 * sum(((a - b) ** 2).ravel()) / (n * d)
    for x in (a, b):
        x = x - x.mean(0)
        for i in range(d):
            deviation = np.sqrt((x[:, i] ** 2).sum() / (n - 1) + 1e-4)
            total += 25 * (1 - deviation if deviation.real < 1 else 0) / d
            for j in range(d):
                if j != i:
                    product = (x[:, i] ** 2).sum() * (x[:, j] ** 2).sum()
                    total += 200 * (x[:, i] * x[:, j]).sum() ** 2 / product / d**2
    return total


def test_the_loss_by_loops_in_value_and_gradient(strict, gradient):
    a, b = normal(0, 6, 3), 0.3 * normal(1, 6, 3)  # features on both sides of the hinge
    value, slopes = jax.value_and_grad(lambda a, b: vibcreg(a, b)[0], (0, 1))(a, b)
    assert_allclose(value, vibcreg_by_loops(a, b), rtol=1e-10)
    assert_allclose(slopes[0], gradient(lambda x: vibcreg_by_loops(x, b), a), atol=1e-10)
    assert_allclose(slopes[1], gradient(lambda x: vibcreg_by_loops(a, x), b), atol=1e-10)


def test_independent_equal_and_collapsed_features(strict):
    n, d = 256, 64
    assert_allclose(correlated(normal(2, n, d)), (d - 1) / d / (n - 1), rtol=0.1)
    assert_allclose(correlated(np.repeat(normal(3, n, 1), d, 1)), (d - 1) / d, rtol=1e-12)
    assert correlated(np.ones((8, 5))) == 0
    assert_allclose(vibcreg(np.ones((8, 5)), np.ones((8, 5)))[0], 2 * 25 * 0.99, rtol=1e-12)
    assert np.isfinite(jax.grad(lambda x: vibcreg(x, x)[0])(np.zeros((4, 3)))).all()


def test_scales_and_means_of_features_change_nothing(strict):
    x = normal(4, 16, 3)
    assert_allclose(correlated(x * np.asarray([[0.5, -2, 7]]) + 9), correlated(x), rtol=1e-10)
