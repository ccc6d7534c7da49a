"""Lab against published values, in numpy, jax and tensorflow."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import tensorflow as tf
from numpy.testing import assert_allclose

from ssl_jax.views import color_spaces, photometric, photometric_host

COLORS = {
    (255, 0, 0): (53.24, 80.09, 67.20),
    (0, 255, 0): (87.73, -86.18, 83.18),
    (0, 0, 255): (32.30, 79.19, -107.86),
    (255, 255, 255): (100.0, 0.0, 0.0),
    (0, 0, 0): (0.0, 0.0, 0.0),
    (119, 119, 119): (50.03, 0.0, 0.0),
}
"""sRGB and its L, a and b for D65, to two digits."""


def colors():
    return np.array(list(COLORS), float).T / 255


def test_lab_of_known_colors(strict):
    found = color_spaces.lab(colors(), np.where)
    low, high = np.array(color_spaces.LAB_RANGES).T
    assert_allclose(np.stack(found).T * (high - low) + low, list(COLORS.values()), atol=0.02)


def test_all_colors_lie_in_0_to_1():
    """Rounded to two digits of the ranges."""
    levels = np.linspace(0, 1, 33)
    found = np.stack(color_spaces.lab(np.stack(np.meshgrid(levels, levels, levels)), np.where))
    assert found.min() > -2e-4 and found.max() < 1 + 2e-4
    assert_allclose(found.reshape(3, -1).min(1), 0, atol=2e-4)
    assert_allclose(found.reshape(3, -1).max(1), 1, atol=2e-4)


def test_the_operations_are_the_formula():
    expected = np.stack(color_spaces.lab(colors().astype(np.float32), np.where))
    assert_allclose(photometric.lab(None, jnp.asarray(colors(), jnp.float32)), expected, atol=1e-5)
    host = photometric_host.lab(None, tf.constant(colors().T[None], tf.float32))
    assert_allclose(host[0].numpy().T, expected, atol=1e-5)
    batch = jax.vmap(lambda image: photometric.lab(None, image))(jnp.zeros((2, 3, 4, 4)))
    assert batch.shape == (2, 3, 4, 4)


def test_gray_images_have_no_lab():
    with pytest.raises(ValueError, match="lab needs 3 channels, and the image has 1"):
        photometric.lab(None, jnp.zeros((1, 4, 4)))
    with pytest.raises(ValueError, match="lab needs 3 channels, and the image has 1"):
        photometric_host.lab(None, tf.zeros([4, 4, 1]))


def test_there_and_back(strict):
    """Also of colors so dark that both roots are straight lines."""
    levels = np.array([0, 0.002, 0.02, 0.05, 0.3, 0.8, 1])
    planes = np.stack([each.ravel() for each in np.meshgrid(levels, levels, levels)])
    back = color_spaces.rgb(color_spaces.cie_lab(planes, np.where), np.where)
    assert_allclose(np.stack(back), planes, atol=1e-4)
    known = np.array(list(COLORS.values())).T
    assert_allclose(np.stack(color_spaces.rgb(known, np.where)), colors(), atol=1e-3)
