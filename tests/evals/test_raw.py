"""Features without a network: pixels as they are, and the D2 histogram of points."""

import jax
import numpy as np

from ssl_jax.evals import raw


def cloud(seed=0):
    return np.random.default_rng(seed).normal(size=(3, 60, 3)).astype(np.float32) * [1, 0.5, 0.1]


def test_pixels_are_flattened():
    images = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4, 1)
    np.testing.assert_array_equal(raw.flat(images), images.reshape(2, 12))


def test_d2_is_the_histogram_of_numpy():
    x = cloud()
    first, second = np.asarray(jax.random.randint(jax.random.key(0), (2, raw.PAIRS), 0, 60))
    found = raw.d2_histogram(x)
    assert found.shape == (3, raw.BINS)
    for row, points in zip(found, x, strict=True):
        apart = np.linalg.norm(points[first] - points[second], axis=1)
        edges = np.linspace(0, raw.FARTHEST, raw.BINS + 1)
        wanted = np.histogram(np.minimum(apart / apart.mean(), raw.FARTHEST), edges)[0] / raw.PAIRS
        np.testing.assert_allclose(row, wanted, atol=3e-4)


def test_d2_does_not_change_where_the_shape_moves_turns_or_grows():
    x, (q, _) = cloud(), np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))
    moved = 7 * x @ q + np.array([1, 2, 3])
    assert np.abs(raw.d2_histogram(moved) - raw.d2_histogram(x)).sum(1).max() < 0.01
    assert np.abs(raw.d2_histogram(x * [1, 1, 9]) - raw.d2_histogram(x)).sum(1).min() > 0.1


def test_points_that_are_all_the_same_have_numbers():
    assert np.isfinite(raw.d2_histogram(np.ones((2, 8, 3)))).all()
