import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from ssl_jax.criteria import neighbor_targets, pairs
from ssl_jax.state import queue


def unit(x):
    return x / np.sqrt((x * x).sum(-1, keepdims=True))


def nnbyol_by_loops(student, targets):
    """student: [b, 2, d]; targets: [b, 2, d], found for the teacher's views."""
    total = 0
    for p, t in zip(unit(student), targets, strict=True):
        total += (2 - 2 * p[0] @ t[1]) + (2 - 2 * p[1] @ t[0])
    return total / len(student)


def test_two_steps_by_loops_in_value_and_gradient(strict, see, gradient):
    criterion = neighbor_targets.byol(size=8)
    loss = jax.jit(jax.value_and_grad(lambda x, state, seen: criterion.loss({}, state, seen._replace(student=x))[0]))
    _, state = criterion.init(jax.random.key(0), see(4, 2, 2, 3))
    past = np.array(state.rows)
    for step in range(2):
        seen = see(4, 2, 2, 3, seed=step)
        targets = past[(unit(seen.teacher) @ past.T).argmax(-1)]
        value, slope = loss(seen.student, state, seen)
        assert_allclose(value, nnbyol_by_loops(seen.student, targets), rtol=1e-10)
        assert_allclose(slope, gradient(lambda x, t=targets: nnbyol_by_loops(x, t), seen.student), atol=1e-10)
        state = criterion.update(state, seen)
        past[4 * step : 4 * step + 4] = unit(seen.teacher[:, 0])
        assert_allclose(state.rows, past, rtol=1e-12)


def test_with_the_teachers_own_rows_in_the_queue_it_is_byol(strict, see):
    seen = see(4, 2, 2, 3)
    rows = unit(seen.teacher).reshape(-1, 3)
    full = queue.Queue(rows, jnp.zeros((), jnp.int32), jnp.full((), 8, jnp.int32))
    value, metrics = neighbor_targets.byol(size=8).loss({}, full, seen)
    assert_allclose(value, pairs.byol().loss({}, {}, seen)[0], rtol=1e-12)
    assert_allclose([metrics["neighbors/similarity"], metrics["neighbors/random"]], [1, 0], atol=1e-12)


def test_at_the_start_all_neighbors_are_random(strict, see):
    criterion, seen = neighbor_targets.byol(size=256), see(128, 2, 2, 64)
    state = criterion.init(jax.random.key(0), seen)[1]
    value, metrics = criterion.loss({}, state, seen)
    assert_allclose(value, 4, atol=0.3)
    assert metrics["neighbors/random"] == 1
    one = np.broadcast_to(np.eye(64)[0], (256, 64))
    same = seen._replace(student=one[:128, None].repeat(2, 1))
    assert_allclose(criterion.loss({}, state._replace(rows=one), same)[0], 0, atol=1e-12)  # at collapse


def test_a_queue_that_is_no_multiple_of_the_batch_is_refused(see):
    with pytest.raises(ValueError, match="the queue's 30 rows are no multiple of the 4 rows"):
        neighbor_targets.byol(size=30).init(jax.random.key(0), see(4, 2, 2, 3))
