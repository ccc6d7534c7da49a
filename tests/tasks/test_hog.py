"""Histograms of gradients against loops over pixels; what they do not see; their order."""

import math

import jax
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from ssl_jax.tasks import hog

histograms = jax.jit(hog.histograms, static_argnames=("cell", "bins", "window"))


def images(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def by_loops(image, cell, bins, window):
    """[h, w, c] -> [h / cell, w / cell, c, bins]."""
    h, w, channels = image.shape
    mirrored = lambda i, n: -i if i < 0 else 2 * (n - 1) - i if i >= n else i  # noqa: E731
    smooth, found = (1, 2, 1), np.zeros((h // cell, w // cell, channels, bins))
    for i, j, c in np.ndindex(h, w, channels):
        at = lambda a, b: image[mirrored(i + a, h), mirrored(j + b, w), c]  # noqa: B023, E731
        across = sum(smooth[k + 1] * (at(k, -1) - at(k, 1)) for k in (-1, 0, 1))
        down = sum(smooth[k + 1] * (at(-1, k) - at(1, k)) for k in (-1, 0, 1))
        angle = math.atan2(across, down) % math.pi
        vote = math.hypot(across, down)
        if window:
            apart = [(place % window - (window - 1) / 2) / (window // 2) for place in (i, j)]
            vote *= math.exp(-0.5 * (apart[0] ** 2 + apart[1] ** 2))
        found[i // cell, j // cell, c, int(angle / math.pi * bins)] += vote
    return found / np.linalg.norm(found, axis=-1, keepdims=True)


@pytest.mark.parametrize(("cell", "bins", "window"), [(4, 9, 0), (4, 9, 8), (2, 5, 8)])
def test_every_pixel_votes_as_in_loops(strict, cell, bins, window):
    x = images(2, 16, 8, 3)
    expected = [by_loops(image, cell, bins, window) for image in x]
    assert_allclose(histograms(x, cell=cell, bins=bins, window=window), expected, rtol=1e-10, atol=1e-10)


def test_scale_and_shift_of_channels_change_nothing_and_flat_cells_are_zero(strict):
    x = images(1, 16, 16, 3)
    x[:, :, :8, 1] = 0.3
    found = np.asarray(histograms(x, cell=4))
    assert_allclose(histograms(x * np.array([3, 0.5, 7]) + np.array([1, -2, 0]), cell=4), found, atol=1e-12)
    assert (found[:, :, 0, 1] == 0).all() and np.isfinite(found).all()
    assert_allclose(np.linalg.norm(found[:, :, 2:], axis=-1), 1, rtol=1e-12)


def test_an_edge_votes_for_its_direction_alone_either_way(strict):
    x = np.zeros((1, 16, 16, 2))
    x[:, :, 7:, 0], x[:, :, :7, 1] = 1, 1  # from dark to bright, and the reverse
    found = np.asarray(histograms(x, cell=8))
    assert_array_equal(found[..., 0, :], found[..., 1, :])
    assert_array_equal(found[0, 0, 0, 0], np.eye(9)[4])
    assert_array_equal(histograms(x.swapaxes(1, 2), cell=8)[0, 0, 0, 0], np.eye(9)[0])


def test_a_patch_is_by_channel_bin_row_and_column(strict):
    x = images(2, 16, 16, 3)
    cells, rows = np.asarray(histograms(x, cell=4)), np.asarray(hog.by_patch(x, 8, cell=4))
    assert rows.shape == (2, 4, 3 * 9 * 4)
    for i, j, c, n, row, column in np.ndindex(2, 2, 3, 9, 2, 2):
        expected = cells[:, 2 * i + row, 2 * j + column, c, n]
        assert_allclose(rows[:, 2 * i + j, ((c * 9 + n) * 2 + row) * 2 + column], expected, rtol=1e-12)


def test_cells_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="cells of 8 pixels do not tile an image of 28 x 28"):
        hog.histograms(np.zeros((1, 28, 28, 1)))
    with pytest.raises(ValueError, match="windows of 16 pixels do not tile an image of 28 x 28"):
        hog.histograms(np.zeros((1, 28, 28, 1)), cell=4, window=16)
    with pytest.raises(ValueError, match="cells of 8 pixels do not tile a patch of 12 x 12"):
        hog.by_patch(np.zeros((1, 48, 48, 1)), 12)
