import jax
import numpy as np
from numpy.testing import assert_allclose

from ssl_jax.criteria import patches


def test_the_mean_square_over_all_hidden_patches(strict, see):
    seen = see(3, 4, 4, 5)
    value, metrics = jax.jit(patches.squared().loss)({}, {}, seen)
    expected = sum(((seen.student[i, j] - seen.teacher[i, j]) ** 2).sum() / 5 for i in range(3) for j in range(4)) / 12
    assert_allclose(value, expected, rtol=1e-12)
    assert metrics == {}
    assert np.asarray(jax.jit(patches.squared().loss)({}, {}, seen._replace(student=seen.teacher))[0]) == 0
