import jax
import jax.numpy as jnp
import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

from ssl_jax.state import ema

toward = jax.jit(ema.toward)


def trees():
    g = np.random.default_rng(0)
    return tuple({"a": g.normal(size=(3, 2)), "b": [g.normal(size=4)]} for _ in range(2))


def test_the_old_survives_by_its_decay(strict):
    old, new = trees()
    result = toward(old, new, 0.996)
    assert_allclose(result["a"] - old["a"], (1 - 0.996) * (new["a"] - old["a"]), rtol=1e-10)
    assert_allclose(result["b"][0] - old["b"][0], (1 - 0.996) * (new["b"][0] - old["b"][0]), rtol=1e-10)


def test_the_limits_are_exact():
    old, new = (jax.tree.map(np.float32, tree) for tree in trees())
    for decay, expected in ((1.0, old), (0.0, new), (np.float32(1), old), (np.float32(0), new)):
        jax.tree.map(assert_array_equal, toward(old, new, decay), expected)


def test_n_steps_towards_a_constant_leave_decay_to_the_n(strict):
    mean = np.ones(3)
    for _ in range(10):
        mean = toward(mean, np.zeros(3), 0.9)
    assert_allclose(mean, 0.9**10, rtol=1e-12)


def test_a_traced_float32_decay_and_a_bfloat16_student(strict):
    old, new = np.ones(3), np.zeros(3, jnp.bfloat16)
    result = toward(old, new, np.float32(0.5))
    assert result.dtype == np.float64
    assert_allclose(result, 0.5)


def test_small_steps_do_not_vanish():
    old = ema.start({"w": jnp.ones(2, jnp.bfloat16)})
    assert old["w"].dtype == jnp.float32
    moved = toward(old, {"w": jnp.full(2, 1.0078125, jnp.bfloat16)}, 0.996)["w"]  # the next bfloat16 after 1
    assert_allclose(moved - 1, 0.004 * 0.0078125, rtol=1e-2)


def test_the_start_has_buffers_of_its_own():
    student = jnp.arange(3.0)
    teacher = jax.jit(lambda x: (x, ema.start(x)))(student)[1]
    assert teacher.unsafe_buffer_pointer() != student.unsafe_buffer_pointer()
    jax.jit(lambda x: x + 1, donate_argnums=0)(student)
    assert_array_equal(teacher, [0, 1, 2])
