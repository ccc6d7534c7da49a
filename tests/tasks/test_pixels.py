import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from ssl_jax.tasks import pixels


def images(*shape):
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def test_patches_by_pixel():
    x = images(2, 6, 9, 2)
    patches = pixels.patchify(x, 3)
    assert patches.shape == (2, 6, 18)
    for i, j, row, column, c in np.ndindex(2, 3, 3, 3, 2):
        assert_array_equal(patches[:, i * 3 + j, (row * 3 + column) * 2 + c], x[:, i * 3 + row, j * 3 + column, c])


@pytest.mark.parametrize("lead", [(2,), (2, 3)])
def test_unpatchify_is_the_inverse(lead):
    x = images(*lead, 4, 8, 3)
    assert_array_equal(pixels.unpatchify(pixels.patchify(x, 2), 2, height=4, width=8), x)


def test_targets():
    x = images(2, 8, 8, 3)
    assert_array_equal(pixels.raw(4)(x), pixels.patchify(x, 4))
    target = np.asarray(pixels.normalized(4)(3 * x + 7))
    assert_allclose(target.mean(-1), 0, atol=1e-5)
    assert_allclose(target.var(-1, ddof=1), 1, rtol=1e-4)
    assert_allclose(target, pixels.normalized(4)(x), atol=1e-4)


def test_patches_that_do_not_tile_are_refused():
    with pytest.raises(ValueError, match="5 pixels do not tile an image of 8 x 8"):
        pixels.patchify(images(1, 8, 8, 3), 5)


def test_shuffled_patches_are_by_channel(strict):
    x = images(2, 6, 9, 2)
    patches = pixels.shuffled(x, 3)
    for i, j, row, column, c in np.ndindex(2, 3, 3, 3, 2):
        assert_array_equal(patches[:, i * 3 + j, c * 9 + row * 3 + column], x[:, i * 3 + row, j * 3 + column, c])
    assert_array_equal(pixels.unshuffled(patches, 3, height=6, width=9), x)


def test_pixels_of_hidden_patches():
    hidden = np.random.default_rng(0).random((2, 6)) < 0.5
    covered = np.asarray(pixels.covered(hidden, images(2, 6, 9, 2)))
    assert covered.shape == (2, 6, 9, 1)
    for row, column in np.ndindex(6, 9):
        assert_array_equal(covered[:, row, column, 0], hidden[:, row // 3 * 3 + column // 3])


def test_the_grid_of_square_patches():
    assert pixels.sides((32, 16, 3), 8) == (4, 2)
    with pytest.raises(ValueError, match="7 places are no grid of square patches on an image of 32 x 32"):
        pixels.sides((32, 32, 3), 7)
