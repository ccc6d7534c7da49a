import jax
import numpy as np
import pytest
from numpy.testing import assert_allclose

from ssl_jax.tasks import holes


def keys_cubic(x):
    """Keys' kernel with a = -1/2 (1981)."""
    x = abs(x)
    return 1.5 * x**3 - 2.5 * x**2 + 1 if x <= 1 else -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x < 2 else 0.0


def resized_by_loops(noise, shift, size):
    """Pixel by pixel; a cell is size / 7.68 pixels wide, and its number lies in its middle."""
    weights = [
        [
            [keys_cubic((i + 0.5 - shift[axis]) / (size / 7.68) - 0.5 - n) for n in range(len(noise))]
            for i in range(size)
        ]
        for axis in (0, 1)
    ]
    return np.asarray(weights[0]) @ noise @ np.asarray(weights[1]).T


def test_blobs_by_loops():
    """The first of 20 draws that hides 20 to 30 %, of noise that is resized by itself."""
    size, found = 24, jax.jit(jax.vmap(lambda key: holes.blobs(key, 24)))
    keys = jax.random.split(jax.random.key(0), 4)
    for key, hidden in zip(keys, np.asarray(found(keys)), strict=True):
        noise_key, shift_key = jax.random.split(key)
        noise = np.asarray(jax.random.uniform(noise_key, (20, 12, 12)), np.float64)
        shifts = -size / 7.68 * (1.5 + np.asarray(jax.random.uniform(shift_key, (20, 2)), np.float64))
        low = [resized_by_loops(n, s, size) - 0.25 for n, s in zip(noise, shifts, strict=True)]
        first = next(field for field in low if 0.2 < (field < 0).mean() < 0.3)
        clear = np.abs(first) > 1e-5
        assert clear.mean() > 0.99
        np.testing.assert_array_equal(hidden[clear], (first < 0)[clear])


@pytest.mark.parametrize("shape, least, most", [("blobs", 0.19, 0.3), ("blocks", 1 / 16, 0.25)])
def test_about_a_quarter_is_hidden_anywhere(shape, least, most):
    hidden = np.asarray(
        jax.jit(jax.vmap(lambda key: holes.SHAPES[shape](key, 32)))(jax.random.split(jax.random.key(1), 300))
    )
    shares, everywhere = hidden.mean((1, 2)), hidden.mean(0)
    assert least <= shares.min() and shares.max() <= most and shares.mean() > 0.2
    assert everywhere[4:-4, 4:-4].min() > 0.05 and everywhere.max() < 0.5
    if shape == "blobs":
        assert_allclose(everywhere.mean(1), shares.mean(), atol=0.08)  # no row is hidden more than another


def test_blocks_are_squares():
    hidden = np.asarray(jax.jit(lambda key: holes.blocks(key, 32))(jax.random.key(3)))
    corners = np.argwhere(hidden)[0]
    assert hidden[corners[0] : corners[0] + 8, corners[1] : corners[1] + 8].all()
