"""Patches and their places by index arithmetic, the algebra of the labels, and the guards against shortcuts."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from ssl_jax.tasks import relative_position as positions

B, V, SIDE = 2, 2, 20
CUT = dict(patch=4, gap=2, jitter=1)
KEY = jax.random.key(0)
SIZES = ("patch", "gap", "jitter")
draw = jax.jit(positions.draw, static_argnames=("patch", "jitter"))
asked = jax.jit(positions.asked, static_argnames=SIZES)
patches, picture = jax.jit(positions.patches, static_argnames=SIZES), jax.jit(positions.picture)
guarded, resampling = jax.jit(positions.guarded), jax.jit(positions.resampling, static_argnums=0)


def images():
    """Each pixel says where it lies."""
    place = np.stack(np.mgrid[:SIDE, :SIDE], -1).astype(np.float32)
    return jnp.asarray(np.broadcast_to(place, (B, V, SIDE, SIDE, 2)))


def drawn(x, **options):
    return draw(KEY, x, **{**dict(patch=4, jitter=1, shrunk=0.0, drop_colors=0.0), **options})


def label(middle, other):
    """The place of a neighbor by the signs of its distance."""
    y, x = np.sign(np.round((other - middle) / 6)).astype(int)
    return positions.NEIGHBORS.index((y + 1) * 3 + x + 1)


def test_each_neighbor_lies_where_its_label_says():
    x = images()
    moves = drawn(x).moves
    found = np.asarray(patches(x, moves, **CUT))
    _, labels = asked(KEY, x, **CUT, shrunk=0.0, drop_colors=0.0)
    assert found.shape == (B, 9 * V, 4, 4, 2) and labels.shape == (B, 8 * V)
    start = (SIDE - 3 * 4 - 2 * 2) // 2
    for i, m in np.ndindex(B, 9 * V):
        cell = (positions.CENTER, *positions.NEIGHBORS)[m % 9]
        corner = start + 6 * np.array([cell // 3, cell % 3]) + np.asarray(moves[i, m])
        square = np.stack(np.mgrid[corner[0] : corner[0] + 4, corner[1] : corner[1] + 4], -1)
        assert_array_equal(found[i, m], square)
    pairs = np.asarray(positions.pairs(jnp.asarray(found[:, :, 0, 0])))  # the corner as the feature
    assert pairs.shape == (B, 8 * V, 2, 2)
    for i, q in np.ndindex(B, 8 * V):
        assert label(*pairs[i, q]) == labels[i, q]


def test_the_algebra_of_the_labels():
    """A pair in the other order, the image flipped, or turned by 180 degrees."""
    corners = {k: np.array(divmod(cell, 3)) * 6.0 for k, cell in enumerate(positions.NEIGHBORS)}
    middle, last = np.array([6.0, 6.0]), 12.0
    across, down = np.array([1, -1]), np.array([-1, 1])
    swapped = [label(corners[k], middle) for k in range(8)]
    flipped = [label(*(np.where(across < 0, last - c, c) for c in (middle, corners[k]))) for k in range(8)]
    upside = [label(*(np.where(down < 0, last - c, c) for c in (middle, corners[k]))) for k in range(8)]
    turned = [label(last - middle, last - corners[k]) for k in range(8)]
    assert swapped == turned == [7 - k for k in range(8)]
    assert flipped == [2, 1, 0, 4, 3, 7, 6, 5]
    assert upside == [5, 6, 7, 3, 4, 0, 1, 2]


def test_labels_are_even():
    _, labels = asked(KEY, images(), **CUT, shrunk=0.0, drop_colors=0.0)
    assert_array_equal(np.bincount(np.asarray(labels).ravel()), [B * V] * 8)


def test_moves_and_guards_are_drawn_in_their_ranges():
    many = draw(KEY, jnp.zeros((300, 1, 1, 1, 3)), patch=12, jitter=2, shrunk=0.33, drop_colors=0.5)
    assert_array_equal(np.unique(many.moves), [-2, -1, 0, 1, 2])
    small = np.asarray(many.side)[many.side < 12]
    assert abs(len(small) / many.side.size - 0.33) < 0.03 and small.min() == 2 and small.max() == 10
    assert_array_equal(small, np.round(small))
    assert abs((many.kept >= 0).mean() - 0.5) < 0.03 and set(np.unique(many.kept)) == {-1, 0, 1, 2}
    assert np.all(drawn(jnp.zeros((3, 1, 1, 1, 1)), drop_colors=1.0).kept == -1), "gray has no channel to drop"


def resampled_by_loops(row, side):
    """Linear interpolation at the centers of pixels, down and up."""

    def at(values, x):
        low = min(max(int(np.floor(x)), 0), len(values) - 1)
        high = min(low + 1, len(values) - 1)
        share = min(max(x - low, 0), 1)
        return values[low] * (1 - share) + values[high] * share

    size = len(row)
    small = [at(row, min(max((i + 0.5) * size / side - 0.5, 0), size - 1)) for i in range(side)]
    return [at(small, min(max((j + 0.5) * side / size - 0.5, 0), side - 1)) for j in range(size)]


@pytest.mark.parametrize("side", [1, 2, 3, 5, 7])
def test_a_patch_is_made_small_and_large_again(side, strict):
    row = np.random.default_rng(side).normal(size=7)
    matrix = resampling(7, jnp.asarray(float(side)))
    assert_allclose(matrix @ row, resampled_by_loops(row, side), atol=1e-12)
    assert_allclose(matrix.sum(1), 1, atol=1e-12)


def test_a_patch_as_large_as_it_was_is_what_it_was(strict):
    assert_allclose(resampling(7, jnp.asarray(7.0)), np.eye(7), atol=1e-12)


def test_the_guards_are_those_of_loops(strict):
    g = np.random.default_rng(0)
    x = g.normal(size=(1, 3, 5, 5, 3)) + 2
    given = positions.Drawn(
        None, jnp.asarray([[5.0, 2.0, 5.0]]), jnp.asarray([[-1, 1, 2]]), jnp.asarray(g.normal(size=x.shape))
    )
    found = guarded(jnp.asarray(x), given)
    for m, (side, kept) in enumerate([(5, -1), (2, 1), (5, 2)]):
        patch = x[0, m]
        if side < 5:
            patch = np.apply_along_axis(resampled_by_loops, 0, patch, side)
            patch = np.apply_along_axis(resampled_by_loops, 1, patch, side)
        if kept >= 0:
            own = patch[..., kept] - patch[..., kept].mean()
            patch = np.asarray(given.noise)[0, m] * own.std() / 100
            patch[..., kept] = own
        patch = patch - patch.mean((0, 1))
        assert_allclose(found[0, m], patch / np.sqrt((patch**2).mean() + 1e-6), atol=1e-10)


def test_of_equal_patches_nothing_is_left():
    flat, _ = asked(KEY, jnp.ones_like(images()), **CUT, shrunk=0.5, drop_colors=1.0)
    assert_allclose(flat, 0, atol=1e-3)


def test_a_picture_puts_patches_where_the_answers_are():
    x = images()
    found = patches(x, drawn(x).moves, **CUT)[:, :9]
    right = picture(found, jnp.broadcast_to(jnp.eye(8) * 9, (B, 8, 8)))
    assert_array_equal(right["solved"], right["true"])
    assert_array_equal(right["true"][:, 5:9, 5:9], found[:, 0])
    # all say the first place: of them the surest is seen, and nothing at the others
    logits = jnp.zeros((B, 8, 8)).at[:, :, 0].set(1.0).at[:, 3, 0].set(4.0)
    answer = picture(found, logits)["solved"]
    assert_array_equal(answer[:, :4, :4], found[:, 4])
    assert np.all(np.isnan(answer[:, :4, 5:])) and np.all(np.isnan(answer[:, 10:]))


def test_an_image_without_room_is_a_sentence():
    with pytest.raises(ValueError, match="nine patches of 6 pixels with gaps of 2 and a jitter of 1 take images of 24"):
        patches(images(), drawn(images()).moves, patch=6, gap=2, jitter=1)
