"""Fixed positions against the formula in loops; learned ones on other grids."""

import math

import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from ssl_jax.nets import positions


def test_sincos_is_the_formula_of_mae():
    h, w, d = 3, 5, 16
    want = np.zeros((h * w, d))
    for row in range(h):
        for column in range(w):
            for i in range(d // 4):
                angle = 10000 ** (-i / (d / 4))
                at = [math.sin(column * angle), math.cos(column * angle), math.sin(row * angle), math.cos(row * angle)]
                want[row * w + column, i :: d // 4] = at
    assert_allclose(positions.sincos(h, w, d), want, rtol=1e-13, atol=1e-15)


def test_a_smaller_grid_has_the_same_values_at_the_same_places():
    large, small = positions.sincos(4, 4, 8).reshape(4, 4, 8), positions.sincos(2, 3, 8).reshape(2, 3, 8)
    assert_allclose(large[:2, :3], small)


def test_a_width_that_is_no_multiple_of_four_is_a_sentence():
    with pytest.raises(ValueError, match="multiple of 4, not 18"):
        positions.sincos(2, 2, 18)


def test_resampling_to_the_same_grid_is_the_identity_and_keeps_a_ramp():
    learned = jnp.asarray(np.random.default_rng(0).normal(size=(1, 12, 5)), jnp.float32)
    assert positions.resample(learned, (3, 4), (3, 4)) is learned
    # 8 -> 16: pixel i of the fine grid lies at (i + 1/2) / 2 - 1/2 of the coarse one; a cubic keeps straight lines
    ramp = jnp.broadcast_to(jnp.arange(8.0)[:, None], (8, 8)).reshape(1, 64, 1)
    fine = positions.resample(ramp, (8, 8), (16, 16)).reshape(16, 16)
    assert_allclose(fine[4:-4, 3], np.arange(4, 12) / 2 - 0.25, rtol=1e-5)
    assert_allclose(fine[5], fine[5, :1].repeat(16), rtol=1e-5)
