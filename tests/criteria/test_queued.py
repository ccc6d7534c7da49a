import jax
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from ssl_jax.criteria import queued


def unit(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def cross_entropy(query, key, rows, temperature):
    """The positive is class 0 of n + 1, as in the listing of MoCo's paper."""
    query, key = unit(query), unit(key)
    logits = np.concatenate([(query * key).sum(1, keepdims=True), query @ np.asarray(rows).T], 1) / temperature
    return np.mean(np.log(np.exp(logits).sum(1)) - logits[:, 0])


def run(criterion, see, steps, views):
    first = see(4, views, views, 3)
    _, state = jax.jit(criterion.init)(jax.random.key(0), first)
    update, past = jax.jit(criterion.update), []
    for step in range(steps):
        seen = see(4, views, views, 3, seed=step)
        state = update(state, seen)
        past.append(unit(seen.teacher))
    return state, past


def test_the_view_finds_the_key_of_the_other_among_past_keys(strict, see):
    criterion = queued.queued(size=12, temperature=0.3)
    state, past = run(criterion, see, 4, views=1)
    assert_allclose(np.roll(state.rows, -4, 0), np.concatenate([x[:, 0] for x in past[-3:]]), rtol=1e-12)
    seen = see(4, 1, 1, 3, seed=9)
    value, metrics = jax.jit(criterion.loss)({}, state, seen)
    # The queue holds past keys only; the batch's own enter after the loss.
    assert_allclose(value, cross_entropy(seen.student[:, 0], seen.teacher[:, 0], state.rows, 0.3), rtol=1e-10)
    q, k = unit(seen.student[:, 0]), unit(seen.teacher[:, 0])
    assert_allclose(metrics["similarity/positive"], (q * k).sum(1).mean(), rtol=1e-10)
    assert_allclose(metrics["similarity/negative"], (q @ np.asarray(state.rows).T).mean(), rtol=1e-10)


def test_symmetric_has_a_queue_for_the_keys_of_each_view(strict, see):
    criterion = queued.symmetric(size=8, temperature=0.3)
    state, past = run(criterion, see, 2, views=2)
    assert_allclose(state["first"].rows, np.concatenate([x[:, 0] for x in past]), rtol=1e-12)
    assert_allclose(state["second"].rows, np.concatenate([x[:, 1] for x in past]), rtol=1e-12)
    seen = see(4, 2, 2, 3, seed=9)
    there = cross_entropy(seen.student[:, 0], seen.teacher[:, 1], state["second"].rows, 0.3)
    back = cross_entropy(seen.student[:, 1], seen.teacher[:, 0], state["first"].rows, 0.3)
    assert_allclose(jax.jit(criterion.loss)({}, state, seen)[0], (there + back) / 2, rtol=1e-10)


def test_the_two_queues_start_apart(strict, see):
    _, state = jax.jit(queued.symmetric(size=8).init)(jax.random.key(0), see(4, 2, 2, 3))
    assert not np.array_equal(state["first"].rows, state["second"].rows)


def test_a_queue_that_is_no_multiple_of_the_batch_is_refused(see):
    with pytest.raises(ValueError, match="10 rows are no multiple of the 4 rows"):
        queued.queued(size=10).init(jax.random.key(0), see(4, 1, 1, 3))


def test_at_the_first_step_the_positive_stands_out(see):
    # Key equals query, random queue: log(1 + n exp(-1 / t + 1 / (2 d t^2))).
    seen = see(64, 1, 1, 128)
    seen = jax.tree.map(lambda x: x, seen._replace(student=seen.student.astype(np.float32)))
    seen = seen._replace(teacher=seen.student)
    _, state = jax.jit(queued.queued(size=4096).init)(jax.random.key(0), seen)
    value = jax.jit(queued.queued(size=4096, temperature=0.2).loss)({}, state, seen)[0]
    assert_allclose(value, np.log1p(4096 * np.exp(-5 + 1 / (256 * 0.04))), rtol=0.02)
    assert_array_equal(state.filled, 0)
