"""I-JEPA's masks: sizes and context against loops, shares, and what must never be."""

import functools
import math

import jax
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from ssl_jax.tasks import multiblock
from ssl_jax.tasks.multiblock import STEPS, sizes

B = 256


@functools.cache
def drawn(grid=(14, 14), seed=0, **options):
    split = jax.jit(multiblock.multiblock(**options), static_argnums=(1, 2))
    return jax.tree.map(np.asarray, split(jax.random.key(seed), B, grid))


def masks(made, length):
    """Context bool [b, l] and blocks bool [b, m, l]; fails where a place comes twice."""
    context, blocks = np.zeros((B, length), int), np.zeros((*made.at.shape[:2], length), int)
    for i in range(B):
        np.add.at(context[i], made.keep[i][made.seen[i]], 1)
        for j in range(made.at.shape[1]):
            np.add.at(blocks[i, j], made.at[i, j][made.asked[i, j]], 1)
    assert context.max() == 1 and blocks.max() == 1
    return context.astype(bool), blocks.astype(bool)


@pytest.mark.parametrize(
    ("grid", "scale", "aspect"), [((14, 14), (0.15, 0.2), (0.75, 1.5)), ((8, 6), (0.85, 1), (1, 1))]
)
def test_sizes_of_blocks_by_the_codes_steps(grid, scale, aspect):
    table = sizes(grid, scale, aspect)
    for i in range(STEPS):
        draw = (i + 0.5) / STEPS
        area = int(grid[0] * grid[1] * (scale[0] + draw * (scale[1] - scale[0])))
        ratio = aspect[0] + draw * (aspect[1] - aspect[0])
        h, w = int(round(math.sqrt(area * ratio))), int(round(math.sqrt(area / ratio)))
        while h >= grid[0]:
            h -= 1
        while w >= grid[1]:
            w -= 1
        assert table[i].tolist() == [h, w]


def test_the_published_sizes():
    """On 14 x 14 blocks of 30 to 40 patches; the context's square has always 13 rows, and so one place."""
    table = sizes((14, 14), (0.15, 0.2), (0.75, 1.5))
    assert {tuple(row) for row in table.tolist()} == {(5, 6), (6, 5), (6, 6), (7, 5), (8, 5)}
    assert (sizes((14, 14), (0.85, 1.0), (1.0, 1.0)) == 13).all()
    assert (sizes((16, 16), (0.85, 1.0), (1.0, 1.0)) == 15).all()


def test_blocks_are_rectangles_of_one_size_and_the_context_is_the_rest():
    made = drawn(context_share=1.0)
    context, blocks = masks(made, 196)
    shapes = set()
    for block in blocks.reshape(-1, 14, 14):
        rows, columns = (np.flatnonzero(block.any(axis)) for axis in (1, 0))
        assert block[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all()
        assert block.sum() == len(rows) * len(columns)
        shapes.add((len(rows), len(columns)))
        assert rows[-1] < 13 and columns[-1] < 13  # as in the code, the last ones are never drawn
    assert len(shapes) == 1
    square = np.zeros((14, 14), bool)
    square[:13, :13] = True
    assert_array_equal(context, square.reshape(-1)[None] & ~blocks.any(1))
    assert (context.sum(1) > 10).all()


def test_blocks_lie_everywhere_alike_and_differ_between_images():
    made = drawn(context_share=1.0)
    rows = made.at[0, 0][made.asked[0, 0]] // 14
    room, tops = 14 - (rows.max() - rows.min() + 1), made.at[:, :, 0] // 14
    counts = np.bincount(tops.reshape(-1), minlength=14)
    assert_allclose(counts[:room], tops.size / room, atol=5 * (tops.size / room) ** 0.5)
    assert not counts[room:].any()
    assert len({row.tobytes() for row in made.at[:50]}) > 45
    assert not np.array_equal(made.at, drawn(seed=1, context_share=1.0).at)


def test_lists_are_cut_in_order_and_the_mean_share_is_the_codes():
    """The code's batches of 128 show 26 % of 14 x 14 patches on average, as a simulation of it says."""
    whole, cut = drawn(context_share=1.0), drawn()
    most = int(0.27 * 196)
    assert cut.keep.shape == (B, most)
    for i in range(B):
        assert_array_equal(cut.keep[i][cut.seen[i]], whole.keep[i][whole.seen[i]][:most])
    shares = [drawn(seed=s).seen.sum(1).mean() / 196 for s in range(3)]
    assert_allclose(shares, 0.26, atol=0.01)


def test_another_place_is_tried_where_too_little_is_left():
    """A small square often lies within the blocks; of 20 places one does not."""
    options = dict(targets=2, context_scale=(0.3, 0.3), context_share=1.0, least=20)
    context, blocks = masks(drawn(**options), 196)
    assert (context.sum(1) > 20).all() and not (context & blocks.any(1)).any()


@pytest.mark.parametrize(
    ("options", "grid", "words"),
    [
        ({}, (4, 4), "on a grid of 4 x 4 patches a block of 4 leaves 5 of the 9"),
        ({"target_scale": (0.3, 0.2)}, (14, 14), "target_scale is .* two shares"),
        ({"context_scale": (0.5, 1.5)}, (14, 14), "context_scale"),
        ({"target_aspect": (0.0, 1.0)}, (14, 14), "target_aspect"),
    ],
)
def test_bad_options_are_sentences(options, grid, words):
    with pytest.raises(ValueError, match=words):
        multiblock.multiblock(**options)(jax.random.key(0), 2, grid)
