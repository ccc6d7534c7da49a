import jax
import numpy as np
from numpy.testing import assert_allclose

from ssl_jax.losses import redundancy

PAIRS = ((0, 1), (1, 0))
contrast = jax.jit(lambda a, b: redundancy.feature_contrast(a, b, pairs=PAIRS))
slope = jax.jit(jax.grad(lambda a, b: redundancy.feature_contrast(a, b, pairs=PAIRS)[0], (0, 1)))


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


def by_loops(a, b):
    """The mean of the two roots, from the cosine of each feature of one view with each of the other."""
    on, off, d = [], [], a.shape[-1]
    for t, s in PAIRS:
        for i, j in np.ndindex(d, d):
            x, y = a[:, t, i], b[:, s, j]
            c = (x * y).sum() / np.sqrt((x * x).sum() * (y * y).sum())
            (on if i == j else off).append((1 - c) ** 2 if i == j else c**2)
    return (np.sqrt(sum(on) / len(on)) + np.sqrt(sum(off) / len(off))) / 2


def test_it_is_the_roots_of_the_two_means(strict, gradient):
    a, b = normal(0, 5, 2, 3), normal(1, 5, 2, 3)
    assert_allclose(contrast(a, b)[0], by_loops(a, b), rtol=1e-10)
    of_a, of_b = slope(a, b)
    assert_allclose(of_a, gradient(lambda x: by_loops(x, b), a), atol=1e-10)
    assert_allclose(of_b, gradient(lambda x: by_loops(a, x), b), atol=1e-10)


def test_known_points(strict):
    views = normal(2, 6, 2, 3)
    same, swapped = np.repeat(views[:, :1], 2, 1), views[:, ::-1]
    assert_allclose(contrast(same, same)[1]["on_diagonal"], 0, atol=1e-15)
    assert_allclose(contrast(views, swapped)[1]["on_diagonal"], 0, atol=1e-15)
    # Features that have nothing in common: no loss, and a slope that is a number.
    apart = np.repeat(np.eye(6)[:, None, :3], 2, 1)
    value, terms = contrast(apart, apart)
    assert value == 0 and terms["off_diagonal"] == 0
    assert not any(np.any(g) for g in slope(apart, apart))
    assert_allclose(contrast(np.ones((6, 2, 3)), np.ones((6, 2, 3)))[0], 0.5, rtol=1e-12)
    # Independent features of mean 0: the diagonal is as far from 1 as it was, the rest about 1 / b.
    _, terms = contrast(normal(3, 4096, 2, 64), normal(4, 4096, 2, 64))
    assert_allclose([terms["on_diagonal"], terms["off_diagonal"]], [1, 1 / 64], rtol=0.02)


def test_lengths_of_features_and_the_order_of_examples_say_nothing(strict):
    a, b = normal(5, 7, 2, 4), normal(6, 7, 2, 4)
    order, lengths = np.random.default_rng(7).permutation(7), np.array([3.0, 0.1, 1.0, 8.0])
    value = contrast(a, b)[0]
    for other in ((a[order], b[order]), (a * lengths, b), (a[:, ::-1], b[:, ::-1])):
        assert_allclose(contrast(*other)[0], value, rtol=1e-12)
    assert abs(contrast(a, b[order])[0] - value) > 1e-3
