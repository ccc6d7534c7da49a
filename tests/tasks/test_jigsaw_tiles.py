"""Tiles by index arithmetic: where they lie, in which order, and back again."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from ssl_jax.tasks import jigsaw, orders, pieces

B, V, SIDE, TILE, JITTER = 3, 2, 13, 3, 1
KEY = jax.random.key(0)
SIZES = ("tile", "jitter")
far_apart = jax.jit(orders.far_apart, static_argnames=("count", "pieces"))
draw = jax.jit(jigsaw.draw, static_argnames=("orders", "grid", "jitter"))
puzzle, asked, picture = (jax.jit(f, static_argnames=SIZES) for f in (jigsaw.puzzle, jigsaw.asked, jigsaw.picture))


def images(views=V, side=SIDE):
    return jnp.asarray(np.random.default_rng(0).normal(size=(B, views, side, side, 2)), jnp.float32)


def known(grid, count=6):
    return far_apart(jax.random.key(1), count=count, pieces=grid**2)


@pytest.mark.parametrize("grid", [2, 3])
def test_tile_j_is_that_of_the_cell_that_the_order_names(grid):
    x, rows = np.asarray(images()), np.asarray(known(grid))
    drawn = draw(KEY, x, orders=len(rows), grid=grid, jitter=JITTER)
    tiles = puzzle(jnp.asarray(x), jnp.asarray(rows), drawn, tile=TILE, jitter=JITTER)
    step = (SIDE - TILE - JITTER) // (grid - 1)
    for i, v, j in np.ndindex(B, V, grid**2):
        cell = rows[drawn.labels[i, v]][j]
        y, x0 = np.array([cell // grid, cell % grid]) * step + np.asarray(drawn.moves[i, v, cell])
        assert_array_equal(tiles[i, v, j], x[i, v, y : y + TILE, x0 : x0 + TILE])


def test_draws_are_of_all_orders_and_of_every_move():
    drawn = draw(KEY, jnp.zeros((600, 1, 4, 4, 1)), orders=6, grid=2, jitter=2)
    assert np.bincount(np.asarray(drawn.labels).ravel(), minlength=6).min() > 60
    assert_array_equal(np.unique(drawn.moves), [0, 1, 2])


def test_tiles_put_back_are_the_image():
    """Without a jitter, and with tiles as large as their cells."""
    x, rows = images(1, 9), known(3)
    drawn = draw(KEY, x, orders=len(rows), grid=3, jitter=0)
    tiles = puzzle(x, rows, drawn, tile=3, jitter=0)[:, 0]
    back = np.asarray(jigsaw.put_back(tiles, rows[drawn.labels[:, 0]]))
    whole = back.reshape(B, 3, 3, 3, 3, 2).swapaxes(2, 3).reshape(B, 9, 9, 2)
    assert_array_equal(whole, x[:, 0])
    assert np.any(np.asarray(tiles) != back)


def test_what_the_network_sees_has_no_mean_and_one_deviation():
    rows = known(3)
    tiles, labels = asked(KEY, rows, 5 + 3 * images(), tile=TILE, jitter=JITTER)
    assert tiles.shape == (B, 9 * V, TILE, TILE, 2) and labels.shape == (B, V)
    assert_allclose(tiles.mean((2, 3)), 0, atol=1e-5)
    assert_allclose(jnp.square(tiles).mean((2, 3, 4)), 1, rtol=1e-4)
    flat, _ = asked(KEY, rows, 0 * images() + 2, tile=TILE, jitter=JITTER)
    assert not np.any(flat)


def test_features_are_gathered_by_image():
    features = jnp.arange(B * 18 * 2).reshape(B, 18, 2)
    found = jigsaw.gathered(features, grid=3)
    assert found.shape == (B, 2, 9, 2)
    assert_array_equal(found[1, 1, 4], features[1, 13])


def test_a_picture_shows_the_puzzle_the_answer_and_the_solution():
    x, rows = images(1), known(2, 4)
    drawn = draw(KEY, x, orders=4, grid=2, jitter=JITTER)
    right = jax.nn.one_hot(drawn.labels, 4)
    options = dict(tile=TILE, jitter=JITTER)
    shown = picture(KEY, rows, x, right, **options)["jigsaw"]
    assert set(shown) == {"puzzle", "solved", "true"}
    assert_array_equal(shown["solved"], shown["true"])
    assert shown["puzzle"].shape == (B, 2 * TILE + 1, 2 * TILE + 1, 2)
    assert np.all(np.isnan(shown["puzzle"][:, TILE])) and np.isnan(np.asarray(shown["puzzle"])).mean() < 0.3
    wrong = picture(KEY, rows, x, jnp.roll(right, 1, -1), **options)["jigsaw"]["solved"]
    cells = jnp.nan_to_num(wrong) != jnp.nan_to_num(shown["true"])
    assert all(np.any(cells[i]) for i in range(B))


def test_a_mosaic_is_row_major():
    tiles = jnp.arange(4.0)[None, :, None, None, None] * jnp.ones((1, 4, 2, 2, 1))
    shown = pieces.mosaic(tiles)[0, :, :, 0]
    assert_array_equal(shown[::3, ::3], [[0, 1], [2, 3]])


def test_an_image_without_room_is_a_sentence():
    with pytest.raises(ValueError, match="3 x 3 tiles of 5 pixels with a jitter of 1 takes images of 18 pixels"):
        asked(KEY, known(3), images(), tile=5, jitter=1)
