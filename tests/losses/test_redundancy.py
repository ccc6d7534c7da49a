import jax
import numpy as np
from numpy.testing import assert_allclose

from ssl_jax.losses import redundancy

barlow, vicreg = jax.jit(redundancy.barlow), jax.jit(redundancy.vicreg)
shared, spread = jax.jit(redundancy.shared), jax.jit(redundancy.spread)


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


def barlow_by_loops(a, b, weight):
    n, d = a.shape
    a, b = ((x - x.mean(0)) / np.sqrt(((x - x.mean(0)) ** 2).mean(0) + 1e-5) for x in (a, b))
    total = 0
    for i in range(d):
        for j in range(d):
            c = sum(a[:, i] * b[:, j]) / n
            total += (1 - c) ** 2 if i == j else weight * c**2
    return total


def vicreg_by_loops(a, b):
    n, d = a.shape
    total = 25 * sum(((a - b) ** 2).ravel()) / (n * d)
    for x in (a, b):
        x = x - x.mean(0)
        for i in range(d):
            deviation = np.sqrt((x[:, i] ** 2).sum() / (n - 1) + 1e-4)
            total += 25 / 2 * (1 - deviation if deviation.real < 1 else 0) / d
            total += sum((x[:, i] * x[:, j]).sum() ** 2 for j in range(d) if j != i) / (n - 1) ** 2 / d
    return total


def test_barlow_is_equation_1(strict, gradient):
    a, b = normal(0, 6, 3), normal(1, 6, 3) + 2
    value, slopes = jax.value_and_grad(lambda a, b: barlow(a, b)[0], (0, 1))(a, b)
    assert_allclose(value, barlow_by_loops(a, b, 0.0051), rtol=1e-10)
    assert_allclose(slopes[0], gradient(lambda x: barlow_by_loops(x, b, 0.0051), a), atol=1e-10)
    assert_allclose(slopes[1], gradient(lambda x: barlow_by_loops(a, x, 0.0051), b), atol=1e-10)


def test_vicreg_is_equation_6(strict, gradient):
    a, b = normal(2, 6, 3), 0.3 * normal(3, 6, 3)  # features on both sides of the hinge
    value, slopes = jax.value_and_grad(lambda a, b: vicreg(a, b)[0], (0, 1))(a, b)
    assert_allclose(value, vicreg_by_loops(a, b), rtol=1e-10)
    assert_allclose(slopes[0], gradient(lambda x: vicreg_by_loops(x, b), a), atol=1e-10)
    assert_allclose(slopes[1], gradient(lambda x: vicreg_by_loops(a, x), b), atol=1e-10)


def test_barlow_of_independent_views(strict):
    # C has entries of variance 1 / n: sum of (1 - c)^2 is d (1 + 1 / n), of the others' squares d (d - 1) / n.
    n, d = 256, 256
    _, terms = barlow(normal(4, n, d), normal(5, n, d))
    assert_allclose(terms["on_diagonal"], d * (1 + 1 / n), rtol=0.02)
    assert_allclose(terms["off_diagonal"], d * (d - 1) / n, rtol=0.02)


def test_barlow_of_equal_and_of_collapsed_views(strict):
    x = normal(6, 256, 64)
    value, terms = barlow(x, x)
    assert_allclose(terms["on_diagonal"], 0, atol=64 * 1e-9)  # the biased variance; n - 1 would leave d / n^2
    assert_allclose(terms["off_diagonal"], 64 * 63 / 256, rtol=0.1)
    assert_allclose(value, terms["on_diagonal"] + 0.0051 * terms["off_diagonal"], rtol=1e-12)
    assert_allclose(barlow(np.ones((8, 5)), np.ones((8, 5)))[0], 5, rtol=1e-12)


def test_barlow_symmetries(strict):
    a, b = normal(7, 64, 4), normal(8, 64, 4)
    value = barlow(a, b)[0]
    assert_allclose(barlow(b, a)[0], value, rtol=1e-12)
    assert_allclose(barlow(a[::-1], b[::-1])[0], value, rtol=1e-12)
    assert_allclose(barlow(a[:, ::-1], b[:, ::-1])[0], value, rtol=1e-12)
    scale, shift = np.asarray([[0.5, 2.0, 7.0, 40.0]]), np.asarray([[1.0, -3.0, 0.0, 9.0]])
    assert_allclose(barlow(a * scale + shift, b)[0], value, rtol=1e-4)  # up to the 1e-5 in the variance


def test_vicreg_at_known_points(strict):
    n, d = 256, 64
    _, terms = vicreg(normal(9, n, d), normal(10, n, d))
    assert_allclose(terms["invariance"], 2, rtol=0.05)
    assert_allclose(terms["variance"], 0.4 / np.sqrt(2 * n), rtol=0.4)  # E relu(1 - s) of a deviation of 1 / sqrt(2n)
    assert_allclose(terms["covariance"], 2 * (d - 1) / (n - 1), rtol=0.1)
    assert_allclose(vicreg(np.ones((8, 5)), np.ones((8, 5)))[0], 25 * 0.99, rtol=1e-12)


def test_vicreg_symmetries(strict):
    a, b = normal(11, 32, 4), normal(12, 32, 4)
    value, terms = vicreg(a, b)
    for other in ((b, a), (a + 3, b + 3), (a[:, ::-1], b[:, ::-1]), (a[::-1], b[::-1])):
        assert_allclose(vicreg(*other)[0], value, rtol=1e-12)
    scaled = vicreg(3 * a, 3 * b)[1]
    assert_allclose(scaled["invariance"], 9 * terms["invariance"], rtol=1e-12)
    assert_allclose(scaled["covariance"], 81 * terms["covariance"], rtol=1e-12)
    rotation = np.linalg.qr(normal(13, 4, 4))[0]
    rotated = vicreg(a @ rotation, b @ rotation)[1]
    assert_allclose(rotated["invariance"], terms["invariance"], rtol=1e-12)
    assert abs(rotated["covariance"] - terms["covariance"]) > 1e-4


def test_gradients_are_finite_when_collapsed(strict):
    for loss in (barlow, vicreg):
        slope = jax.grad(lambda x, loss=loss: loss(x, x)[0])(np.zeros((4, 3)))
        assert np.isfinite(slope).all()


def test_hinge_is_off_for_wide_features_and_covariance_for_orthogonal_ones(strict):
    wide = 5 * normal(16, 64, 3)
    assert spread(wide) == 0 and not jax.grad(spread)(wide).any()
    orthogonal = np.asarray([[1.0, 0], [-1, 0], [0, 1], [0, -1]])
    assert shared(orthogonal) == 0
