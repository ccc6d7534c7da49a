"""DenseCL's dense term: MoCo's for each place and its match."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import NamedSharding, PartitionSpec
from numpy.testing import assert_allclose, assert_array_equal

from ssl_jax.criteria import queued

B, L, F, D, N, TEMPERATURE = 8, 5, 6, 4, 16, 0.3
CRITERION = queued.dense(size=N, temperature=TEMPERATURE)


def seen_by(see, seed=0, places=L):
    """B images, one view a side: {"grid": [b, 1, l, f], "dense": [b, 1, l, d]} of student and teacher."""
    g = np.random.default_rng(seed)

    def side():
        return {"grid": g.normal(size=(B, 1, places, F)), "dense": g.normal(size=(B, 1, places, D))}

    return see(B, 1, 1, D, student=side(), teacher=side())


def changed(seen, side, name, value):
    return seen._replace(**{side: {**getattr(seen, side), name: value}})


def started(seen):
    return CRITERION.update(CRITERION.init(jax.random.key(0), seen)[1], seen)


def value_and_slopes(seen, state):
    def loss(student, teacher, rows):
        return CRITERION.loss({}, state._replace(rows=rows), seen._replace(student=student, teacher=teacher))[0]

    return jax.jit(jax.value_and_grad(loss, (0, 1, 2)))(seen.student, seen.teacher, state.rows)


def cos(a, b):
    return (a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum())


def by_loops(dense, seen, rows):
    """Eq. 2 and 3 for every place of every image; `dense` is the student's, so that it can be complex."""
    total = 0
    for i, s in np.ndindex(B, L):
        grid = seen.teacher["grid"][i, 0]
        match = np.argmax([cos(seen.student["grid"][i, 0, s], grid[u]) for u in range(L)])
        query = dense[i, 0, s]
        own = np.exp(cos(query, seen.teacher["dense"][i, 0, match]) / TEMPERATURE)
        total -= np.log(own / (own + sum(np.exp(cos(query, row) / TEMPERATURE) for row in rows)))
    return total / (B * L)


def test_value_and_gradient_are_those_of_loops(strict, see, gradient):
    seen, rows = seen_by(see), np.asarray(started(seen_by(see, 1)).rows)
    value, (student, teacher, negatives) = value_and_slopes(seen, started(seen_by(see, 1)))
    assert_allclose(value, by_loops(seen.student["dense"], seen, rows), rtol=1e-10)
    slope = gradient(lambda x: by_loops(x, seen, rows), seen.student["dense"])
    assert_allclose(student["dense"], slope, atol=1e-10)
    assert np.abs(slope).max() > 1e-3
    # Neither the matches nor the keys nor the queue learn.
    assert not any(np.any(x) for x in (student["grid"], *teacher.values(), negatives))


def test_matches_are_those_of_the_encoder_and_not_of_the_head(strict, see):
    """With the head's own best matches the loss would be lower, and another grid would change nothing."""
    seen, state = seen_by(see), started(seen_by(see, 1))
    value, _ = CRITERION.loss({}, state, seen)
    for side in ("student", "teacher"):
        other = changed(seen, side, "grid", getattr(seen_by(see, 2), side)["grid"])
        assert abs(CRITERION.loss({}, state, other)[0] - value) > 1e-3
    projected = seen
    for side in ("student", "teacher"):
        projected = changed(projected, side, "grid", getattr(seen, side)["dense"])
    assert CRITERION.loss({}, state, projected)[0] < value - 0.1


def test_a_place_that_was_moved_is_found_where_it_is(strict, see):
    """Keys of a view in another order of its places are the same keys."""
    seen, state = seen_by(see), started(seen_by(see, 1))
    order, other = np.random.default_rng(3).permutation(L), seen
    for name in ("grid", "dense"):
        other = changed(other, "teacher", name, other.teacher[name][:, :, order])
    value, metrics = CRITERION.loss({}, state, seen)
    assert_allclose(CRITERION.loss({}, state, other)[0], value, rtol=1e-12)
    assert_allclose(CRITERION.loss({}, state, other)[1]["matches"], metrics["matches"], rtol=1e-12)
    other = changed(seen, "teacher", "dense", seen.teacher["dense"][:, :, order])
    assert abs(CRITERION.loss({}, state, other)[0] - value) > 1e-3, "keys were moved without their places"


def test_one_place_makes_it_moco(strict, see):
    seen, before, moco = seen_by(see, places=1), seen_by(see, 1, places=1), queued.queued(size=N, temperature=0.3)
    state = started(before)

    def flat(seen):
        return seen._replace(student=seen.student["dense"][:, :, 0], teacher=seen.teacher["dense"][:, :, 0])

    value, metrics = CRITERION.loss({}, state, seen)
    expected, more = moco.loss({}, state, flat(seen))
    assert_allclose(value, expected, rtol=1e-12)
    assert_allclose([metrics[name] for name in more], list(more.values()), rtol=1e-12)
    assert metrics["matches"] == 1
    assert_allclose(CRITERION.update(state, seen).rows, moco.update(state, flat(seen)).rows, rtol=1e-12)


def test_equal_embeddings_are_at_chance(strict, see):
    seen = seen_by(see)
    for side in ("student", "teacher"):
        seen = changed(seen, side, "dense", np.ones((B, 1, L, D)))
    state = CRITERION.init(jax.random.key(0), seen)[1]._replace(rows=jnp.full((N, D), D**-0.5))
    assert_allclose(CRITERION.loss({}, state, seen)[0], np.log(N + 1), rtol=1e-12)


def test_the_queue_turns_over_once_an_image(strict, see):
    """One row an image and step, the unit mean of the raw keys, however many places there are."""
    moco = queued.queued(size=N)
    state, past = CRITERION.init(jax.random.key(0), seen_by(see))[1], []
    flat = see(B, 1, 1, D)
    other = moco.init(jax.random.key(0), flat)[1]
    for step in range(3):
        seen = seen_by(see, step)
        state, other = CRITERION.update(state, seen), moco.update(other, flat)
        mean = seen.teacher["dense"][:, 0].mean(1)
        past.append(mean / np.linalg.norm(mean, axis=-1, keepdims=True))
        assert_array_equal([state.pointer, state.filled], [other.pointer, other.filled])
    assert_allclose(state.rows, np.concatenate([past[2], past[1]]), rtol=1e-12)


def test_a_mesh_changes_nothing(strict, see):
    seen, state = seen_by(see), started(seen_by(see, 1))
    mesh = jax.make_mesh((8,), ("data",), axis_types=(jax.sharding.AxisType.Auto,))
    rows, whole = (NamedSharding(mesh, PartitionSpec(*axes)) for axes in (("data",), ()))
    spread = jax.device_put((seen.student, seen.teacher), rows)
    other = value_and_slopes(seen._replace(student=spread[0], teacher=spread[1]), jax.device_put(state, whole))
    jax.tree.map(lambda a, b: assert_allclose(a, b, rtol=1e-9, atol=1e-12), value_and_slopes(seen, state), other)


def test_bfloat16_gives_finite_float32(see):
    seen = seen_by(see)
    half = jax.tree.map(lambda x: x.astype(jnp.bfloat16), (seen.student, seen.teacher))
    seen = seen._replace(student=half[0], teacher=half[1])
    state = started(seen)
    value, metrics = CRITERION.loss({}, state, seen)
    assert value.dtype == state.rows.dtype == jnp.float32
    assert all(x.shape == () and np.isfinite(x) for x in (value, *metrics.values()))


@pytest.mark.parametrize("count", [2, 3])
def test_other_than_one_view_a_side_is_refused(see, count):
    seen = seen_by(see)
    sides = {s: {n: np.repeat(a[:, :1], count, 1) for n, a in getattr(seen, s).items()} for s in ("student", "teacher")}
    with pytest.raises(ValueError, match=f"one of the teacher's, got {count} and {count}"):
        CRITERION.init(jax.random.key(0), seen._replace(**sides))
