import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from ssl_jax.criteria import relational
from ssl_jax.state import queue


def unit(x):
    return x / np.sqrt((x * x).sum(-1, keepdims=True))


def softmax(x):
    return np.exp(x) / np.exp(x).sum()


def ressl_by_loops(student, teacher, past, sharp, soft):
    total = 0
    for q, k in zip(unit(student), unit(teacher), strict=True):
        target, logits = softmax(past @ k / sharp), past @ q / soft
        total -= (target * np.log(softmax(logits))).sum()
    return total / len(student)


def at(rows):
    return queue.Queue(rows, jnp.zeros((), jnp.int32), jnp.zeros((), jnp.int32))


def test_two_steps_by_loops_in_value_and_gradient(strict, see, gradient):
    criterion = relational.relational(size=8, teacher_temperature=0.3, student_temperature=0.5)
    loss = jax.jit(jax.value_and_grad(lambda x, state, seen: criterion.loss({}, state, seen._replace(student=x))[0]))
    _, state = criterion.init(jax.random.key(0), see(4, 1, 1, 3))
    past = np.array(state.rows)
    for step in range(2):
        seen = see(4, 1, 1, 3, seed=step)
        student, teacher = seen.student[:, 0], seen.teacher[:, 0]
        value, slope = loss(seen.student, state, seen)
        assert_allclose(value, ressl_by_loops(student, teacher, past, 0.3, 0.5), rtol=1e-10)
        expected = gradient(lambda x, t=teacher, p=past: ressl_by_loops(x, t, p, 0.3, 0.5), student)
        assert_allclose(slope[:, 0], expected, atol=1e-10)
        state = criterion.update(state, seen)
        past[4 * step : 4 * step + 4] = unit(teacher)
        assert_allclose(state.rows, past, rtol=1e-12)


def test_values_at_the_start_and_at_collapse(strict, see):
    size, d = 4096, 64
    past = unit(np.random.default_rng(7).normal(size=(size, d)))
    criterion, seen = relational.relational(size=size), see(64, 1, 1, d)
    value, metrics = jax.jit(criterion.loss)({}, at(past), seen)
    assert_allclose(value, np.log(size) + 1 / (2 * d * 0.1**2), rtol=0.02)
    assert metrics["teacher/entropy"] < value
    one = np.broadcast_to(past[:1], past.shape)
    value, metrics = jax.jit(criterion.loss)({}, at(one), seen)
    assert_allclose([value, metrics["teacher/entropy"]], np.log(size), rtol=1e-10)


def test_past_keys_have_no_order_and_nothing_is_below_the_teachers_entropy(strict, see):
    past, seen = unit(np.random.default_rng(1).normal(size=(8, 3))), see(4, 2, 1, 3)
    loss = jax.jit(relational.relational(size=8).loss)
    value, metrics = loss({}, at(past), seen)
    assert_allclose(loss({}, at(past[::-1]), seen)[0], value, rtol=1e-12)
    assert value >= metrics["teacher/entropy"]


def test_numbers_that_make_no_sense_are_refused(see):
    with pytest.raises(ValueError, match="teacher_temperature is 0.0"):
        relational.relational(teacher_temperature=0.0)
    with pytest.raises(ValueError, match="the queue's 30 rows are no multiple of the 4 rows"):
        relational.relational(size=30).init(jax.random.key(0), see(4, 1, 1, 3))
