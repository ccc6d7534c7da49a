"""CPC's loss on grids and AMDIM's on maps, against loops over the papers' formulas."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from ssl_jax.losses import predictive

rows_below = jax.jit(predictive.rows_below, static_argnames="offset")
global_to_local = jax.jit(predictive.global_to_local, static_argnames="clip")


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


def rows_by_loops(predictions, targets, offset):
    """Each place of each image in turn finds its own among all b r c targets."""
    b, r, c, _ = targets.shape
    total, count = 0, 0
    for i, row, column in np.ndindex(b, r - offset, c):
        p = predictions[i, row, column]
        every = sum(np.exp((p * targets[at]).sum()) for at in np.ndindex(b, r, c))
        total -= np.log(np.exp((p * targets[i, row + offset, column]).sum()) / every)
        count += 1
    return total / count


def places_by_loops(source, target, clip):
    """(loss, mean square): a sum over each place of the own image, whose other places stay out of the denominator."""
    b, count, d = target.shape
    raw = lambda i, j, k: (source[i] * target[j, k]).sum() / np.sqrt(d)  # noqa: E731
    score = lambda i, j, k: clip * np.tanh(raw(i, j, k) / clip)  # noqa: E731
    total, squares = 0, 0
    for i in range(b):
        others = sum(np.exp(score(i, j, k)) for j in range(b) if j != i for k in range(count))
        for k in range(count):
            own = np.exp(score(i, i, k))
            total -= np.log(own / (own + others))
        squares += sum(raw(i, j, k) ** 2 for j in range(b) for k in range(count))
    return total / (b * count), squares / (b * b * count)


@pytest.mark.parametrize("offset", [1, 2])
def test_rows_below_is_the_loop(strict, gradient, offset):
    predictions, targets = normal(0, 2, 3, 2, 3), normal(1, 2, 3, 2, 3)
    value, slopes = jax.value_and_grad(lambda p, t: rows_below(p, t, offset=offset), (0, 1))(predictions, targets)
    assert_allclose(value, rows_by_loops(predictions, targets, offset), rtol=1e-10)
    assert_allclose(slopes[0], gradient(lambda x: rows_by_loops(x, targets, offset), predictions), atol=1e-10)
    assert_allclose(slopes[1], gradient(lambda x: rows_by_loops(predictions, x, offset), targets), atol=1e-10)
    assert np.all(slopes[0][:, 3 - offset :] == 0)


def test_equal_places_are_chance(strict):
    grid, source, target = np.ones((4, 3, 2, 5)), np.ones((6, 5)), np.ones((6, 9, 5))
    assert_allclose(rows_below(normal(0, 4, 3, 2, 5), grid, offset=1), np.log(4 * 3 * 2), rtol=1e-12)
    assert_allclose(global_to_local(source, target, clip=20.0)[0], np.log(1 + 5 * 9), rtol=1e-12)


def test_another_order_of_columns_is_the_same_where_both_have_it(strict):
    predictions, targets, order = normal(0, 2, 3, 4, 5), normal(1, 2, 3, 4, 5), [2, 0, 3, 1]
    value = rows_below(predictions, targets, offset=1)
    assert_allclose(rows_below(predictions[:, :, order], targets[:, :, order], offset=1), value, rtol=1e-12)
    assert abs(rows_below(predictions[:, :, order], targets, offset=1) - value) > 1e-3
    assert_allclose(rows_below(predictions[::-1], targets[::-1], offset=1), value, rtol=1e-12)


@pytest.mark.parametrize("clip", [20.0, 1.5])
def test_global_to_local_is_the_loop(strict, gradient, clip):
    source, target = 2 * normal(0, 3, 4), 2 * normal(1, 3, 2, 4)
    for part in (0, 1):  # the loss, and the penalty
        value, slopes = jax.value_and_grad(lambda s, t, p=part: global_to_local(s, t, clip=clip)[p], (0, 1))(
            source, target
        )
        assert_allclose(value, places_by_loops(source, target, clip)[part], rtol=1e-10)
        assert_allclose(slopes[0], gradient(lambda x, p=part: places_by_loops(x, target, clip)[p], source), atol=1e-10)
        assert_allclose(slopes[1], gradient(lambda x, p=part: places_by_loops(source, x, clip)[p], target), atol=1e-10)


def test_the_order_of_places_changes_nothing(strict):
    source, target = normal(0, 4, 3), normal(1, 4, 6, 3)
    order = np.random.default_rng(2).permutation(6)
    here, there = (np.array(global_to_local(source, x, clip=20.0)) for x in (target, target[:, order]))
    assert_allclose(here, there, rtol=1e-12)


def test_the_clip_bounds_scores_and_not_the_penalty():
    source = 1e3 * np.ones((4, 3), np.float32)
    value, square = global_to_local(source, source[:, None] * np.ones((1, 5, 1), np.float32), clip=20.0)
    assert np.isfinite(value) and square > 1e9
    assert_allclose(value, np.log(1 + 3 * 5), rtol=1e-5)


def test_bfloat16_gives_float32():
    grid = jnp.ones((2, 3, 2, 4), jnp.bfloat16)
    assert rows_below(grid, grid, offset=1).dtype == jnp.float32
    assert all(x.dtype == jnp.float32 for x in global_to_local(grid[:, 0, 0], grid[:, 0], clip=20.0))


def test_shapes_that_would_broadcast_are_refused():
    with pytest.raises(AssertionError):
        rows_below(jnp.ones((2, 3, 2, 4)), jnp.ones((2, 3, 1, 4)), offset=1)
    with pytest.raises(AssertionError):
        global_to_local(jnp.ones((1, 4)), jnp.ones((2, 3, 4)), clip=20.0)
