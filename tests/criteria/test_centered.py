import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from ssl_jax.criteria import centered


def softmax(x):
    return np.exp(x) / np.exp(x).sum(-1, keepdims=True)


def warming(step):
    return jnp.float32(0.25) + jnp.float32(0.25) * jnp.minimum(step.astype(jnp.float32), jnp.float32(1))


@pytest.mark.parametrize("v", [2, 4])
def test_two_steps_by_loops(strict, see, v):
    criterion = centered.centered(teacher_temperature=warming, student_temperature=0.5, center_momentum=0.8)
    loss, update = jax.jit(criterion.loss), jax.jit(criterion.update)
    _, state = jax.jit(criterion.init)(jax.random.key(0), see(5, v, 2, 6))
    center = np.zeros(6)
    for step, temperature in ((0, 0.25), (1, 0.5)):
        seen = see(5, v, 2, 6, seed=step, step=np.int32(step))
        target, logs = softmax((seen.teacher - center) / temperature), np.log(softmax(seen.student / 0.5))
        terms = [-(target[:, t] * logs[:, s]).sum(1).mean() for t in range(2) for s in range(v) if s != t]
        value, metrics = loss({}, state, seen)
        assert len(terms) == 2 * v - 2
        assert_allclose(value, np.mean(terms), rtol=1e-10)
        entropy = -(target * np.log(target)).sum(-1).mean()
        assert_allclose(metrics["teacher/entropy"], entropy, rtol=1e-10)
        assert_allclose(metrics["teacher/kl"], np.mean(terms) - entropy, rtol=1e-9)
        assert metrics["prototypes/used"] == len(set(target.argmax(-1).ravel().tolist()))
        state, center = update(state, seen), 0.8 * center + 0.2 * seen.teacher.mean((0, 1))
        assert_allclose(state, center, rtol=1e-10)


def test_the_prototypes_have_no_order(strict, see):
    criterion = centered.centered(teacher_temperature=lambda step: jnp.float32(0.25))
    seen, center, order = see(5, 3, 2, 6), np.arange(6.0) / 6, np.random.default_rng(1).permutation(6)
    value = jax.jit(criterion.loss)({}, center, seen)[0]
    other = seen._replace(student=seen.student[..., order], teacher=seen.teacher[..., order])
    assert_allclose(jax.jit(criterion.loss)({}, center[order], other)[0], value, rtol=1e-12)


def test_collapse_shows(strict, see):
    criterion = centered.centered(teacher_temperature=lambda step: jnp.float32(0.04))
    seen = see(5, 2, 2, 8)
    uniform = seen._replace(student=0 * seen.student, teacher=0 * seen.teacher)
    value, metrics = jax.jit(criterion.loss)({}, np.zeros(8), uniform)
    assert_allclose([value, metrics["teacher/entropy"]], np.log(8), rtol=1e-12)
    assert_allclose(metrics["teacher/evenness"], 1, rtol=1e-12)
    one = np.broadcast_to(100 * np.eye(8)[0], (5, 2, 8))
    value, metrics = jax.jit(criterion.loss)({}, np.zeros(8), seen._replace(student=one, teacher=one))
    assert_allclose([value, metrics["teacher/entropy"]], 0, atol=1e-12)
    assert metrics["prototypes/used"] == 1
    assert_allclose(metrics["teacher/evenness"], 0, atol=1e-12)
    # The center takes the collapsed part away.
    assert_allclose(jax.jit(criterion.loss)({}, one[0, 0], seen._replace(teacher=one))[1]["teacher/entropy"], np.log(8))
