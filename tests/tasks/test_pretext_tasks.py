import jax
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from ssl_jax.tasks import pretext_tasks

rotation = jax.jit(pretext_tasks.rotation)


def images(*shape):
    return np.random.default_rng(0).integers(0, 256, shape).astype(np.float32)


def test_all_four_rotations_of_every_view_by_pixel():
    x = images(2, 3, 5, 5, 2)
    inputs, labels = (np.asarray(y) for y in rotation(x))
    assert inputs.shape == (2, 12, 5, 5, 2) and labels.dtype == np.int32
    for i in range(2):
        assert sorted(labels[i]) == [0] * 3 + [1] * 3 + [2] * 3 + [3] * 3
        for j, label in enumerate(labels[i]):
            source = x[i, j % 3]
            for row in range(5):
                for column in range(5):
                    # A quarter turn counter-clockwise brings (column, last - row) to (row, column).
                    at = (row, column)
                    for _ in range(label):
                        at = at[1], 4 - at[0]
                    assert_array_equal(inputs[i, j, row, column], source[at])


def test_four_quarter_turns_are_none_and_a_flip_swaps_90_and_270():
    x = images(1, 1, 4, 4, 1)
    turned = np.asarray(rotation(x)[0])
    assert_array_equal(rotation(turned[:, 3:])[0][:, 1], x[:, 0])
    flipped = np.asarray(rotation(x[:, :, :, ::-1])[0])
    assert_array_equal(turned[:, 1, :, ::-1], flipped[:, 3])
    assert_array_equal(turned[:, 2, :, ::-1], flipped[:, 2])


def test_images_that_are_not_square_are_refused():
    with pytest.raises(ValueError, match="4 x 5"):
        pretext_tasks.rotation(images(1, 1, 4, 5, 1))
