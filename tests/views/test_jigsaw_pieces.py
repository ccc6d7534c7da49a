"""Pieces of one picture: where they lie, in what order, and what cannot be cut."""

import numpy as np
import pytest
import tensorflow as tf

from ssl_jax.views import compose, compose_host, jigsaw

CROP = dict(name="random_resized_crop", args=dict(size=30, scale=(0.6, 1.0)))
SIDE, SIZE, JITTER = 30, 8, 2


def picture(side=SIDE):
    """Each pixel says where it lies."""
    y, x = np.mgrid[:side, :side]
    return np.stack([y, x], -1).astype(np.uint8)


def corners(number, *, count=9, side=SIDE, size=SIZE, jitter=JITTER, grid=3):
    """The first pixels of the pieces, [count, 2], which must be whole squares of the picture."""
    images = [tf.constant(picture(side))] + [tf.zeros([side, side, 2], tf.uint8)] * (count - 1)
    pieces = jigsaw.jigsaw(tf.constant([number, 7], tf.int64), images, size=size, grid=grid, jitter=jitter)
    for piece in pieces:
        y, x = piece.numpy()[0, 0].astype(int)
        np.testing.assert_array_equal(piece, picture(side)[y : y + size, x : x + size])
    return np.stack([piece.numpy()[0, 0] for piece in pieces]).astype(int)


def cell_of(corner, side, size, jitter, grid):
    """The one cell of the grid that a piece with this corner can be of, by trying all."""
    step = (side - size - jitter) // (grid - 1)
    fits = [
        i for i in range(grid**2) if all(0 <= corner[k] - step * (i // grid, i % grid)[k] <= jitter for k in range(2))
    ]
    assert len(fits) == 1
    return fits[0]


@pytest.mark.parametrize(
    "side, size, jitter, grid", [(30, 8, 2, 3), (255, 64, 21, 3), (256, 96, 24, 3), (9, 4, 0, 2), (5, 3, 2, 1)]
)
def test_each_piece_lies_in_a_cell_of_its_own(side, size, jitter, grid):
    found, moves = set(), []
    for number in range(30 if side < 100 else 8):
        at = corners(number, count=grid**2, side=side, size=size, jitter=jitter, grid=grid)
        step = (side - size - jitter) // max(grid - 1, 1)
        cells = [cell_of(corner, side, size, jitter, grid) if grid > 1 else 0 for corner in at]
        assert sorted(cells) == list(range(grid**2))
        found.add(tuple(cells))
        moves += [
            tuple(corner - step * np.array([cell // grid, cell % grid])) for corner, cell in zip(at, cells, strict=True)
        ]
    assert len(found) > 5 or grid < 3, "the order is always the same, which leaves nothing to solve"
    if side < 100:  # every place is drawn, the last one too
        assert {m for move in moves for m in move} == set(range(jitter + 1))


def test_the_numbers_of_the_paper_are_nine_cells_of_85():
    for corner in corners(1, side=255, size=64, jitter=21):
        assert all(at // 85 == (at + 63) // 85 for at in corner)


def test_fewer_pieces_are_the_first_of_all_and_every_one_is_sometimes_among_them():
    np.testing.assert_array_equal(corners(3)[:5], corners(3, count=5))
    cells = {cell_of(corner, SIDE, SIZE, JITTER, 3) for n in range(20) for corner in corners(n, count=2)}
    assert cells == set(range(9))


def test_the_same_seed_cuts_the_same():
    np.testing.assert_array_equal(corners(5), corners(5))
    assert np.any(corners(5) != corners(6))


def test_a_view_shows_pieces_of_one_crop():
    """All nine are of the first draw's crop: without jitter and overlap they are that crop, cut up."""
    cut = dict(name="jigsaw", args=dict(jitter=0))
    views = [
        dict(group="patches", count=9, size=10, ops=(CROP, cut), draws="same"),
        dict(group="global", count=1, size=30, ops=(CROP,), draws="same"),
    ]
    image = tf.constant(np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8))
    made = tf.function(compose_host.host(compose.views(views)))({"image": image}, tf.constant([3, 1], tf.int64))
    whole = made["global"].numpy()[0].reshape(3, 10, 3, 10, 3).swapaxes(1, 2).reshape(9, 10, 10, 3)
    shown = made["patches"].numpy()
    assert sorted(map(bytes, whole)) == sorted(map(bytes, shown))
    assert compose.random(compose.views(views)[0])


@pytest.mark.parametrize(
    "change, sentence",
    [
        (dict(count=10), "a jigsaw of 3 x 3 has 9 pieces, and the views' count is 10"),
        (dict(size=29), "pieces of 29 pixels with a jitter of 2, and the picture has 30 x 30; .* of 31 or more"),
        (dict(ops=(dict(name="jigsaw", args=dict(jitter=2)),)), "the picture has . x .; crop it to a size"),
        (dict(places=True), "pieces of a jigsaw do not say where they lie; set places to False"),
    ],
)
def test_what_cannot_be_cut_is_one_sentence(change, sentence):
    view = dict(group="patches", count=9, size=8, ops=(CROP, dict(name="jigsaw", args=dict(jitter=2))))
    host = compose_host.host(compose.views([{**view, **change}]))
    with pytest.raises(ValueError, match=sentence):
        compose_host.specs(host, {"image": tf.TensorSpec([None, None, 3], tf.uint8)})


@pytest.mark.parametrize("args, sentence", [(dict(grid=0), "rows and columns from 1"), (dict(jitter=-1), "from 0 to")])
def test_numbers_that_make_no_sense_are_refused(args, sentence):
    with pytest.raises(ValueError, match=sentence):
        compose.views([dict(group="patches", count=4, size=8, ops=(CROP, dict(name="jigsaw", args=args)))])
