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
