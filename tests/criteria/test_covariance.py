import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from ssl_jax.criteria import covariance
from ssl_jax.losses import redundancy


def unit(x):
    return x / np.sqrt((x * x).sum(-1, keepdims=True))


def moment_by_loops(x):
    u = unit(x)
    return sum(np.outer(row, row) for row in u) / len(u)


def tico_by_loops(student, teacher, moment, rho):
    """Of [n, d] each; `moment` is C with this batch in it."""
    total = 0
    for z, t in zip(unit(student), unit(teacher), strict=True):
        total += 1 - z @ t + rho * z @ moment @ z
    return total / len(student)


def test_two_steps_are_algorithm_1_in_value_and_gradient(strict, see, gradient):
    criterion = covariance.tico(beta=0.7, rho=3.0)
    slope = jax.jit(jax.value_and_grad(lambda x, state, seen: criterion.loss({}, state, seen._replace(student=x))[0]))
    _, state = criterion.init(jax.random.key(0), see(6, 1, 1, 4))
    moment = np.zeros((4, 4))
    for step in range(2):
        seen = see(6, 1, 1, 4, seed=step)
        student, teacher = seen.student[:, 0], seen.teacher[:, 0]
        moment = 0.7 * moment + 0.3 * moment_by_loops(student)
        value, found = slope(seen.student, state, seen)
        assert_allclose(value, tico_by_loops(student, teacher, moment, 3.0), rtol=1e-10)
        expected = gradient(lambda x, t=teacher, c=moment: tico_by_loops(x, t, c, 3.0), student)
        assert_allclose(found[:, 0], expected, atol=1e-10)
        state = criterion.update(state, seen)
        assert_allclose(state, moment, rtol=1e-10)
        assert_allclose(np.trace(state), 1 - 0.7 ** (step + 1), rtol=1e-12)


def test_small_crops_are_rows_like_others(strict, see):
    seen = see(5, 3, 1, 4)
    rows, teacher = seen.student.swapaxes(0, 1).reshape(-1, 4), np.tile(seen.teacher[:, 0], (3, 1))
    expected = tico_by_loops(rows, teacher, 0.1 * moment_by_loops(rows), 8.0)
    assert_allclose(covariance.tico().loss({}, jnp.zeros((4, 4)), seen)[0], expected, rtol=1e-10)


def test_values_at_the_start_and_at_collapse(strict, see):
    criterion, seen = covariance.tico(beta=0.9, rho=8.0), see(4096, 1, 1, 16)
    settled = jnp.eye(16) / 16
    value, metrics = jax.jit(criterion.loss)({}, settled, seen)
    assert_allclose(value, 1 + 8 / 16, atol=0.02)
    assert_allclose(metrics["covariance/purity"], 1 / 16, rtol=0.01)
    one = np.broadcast_to(np.eye(16)[:1], (8, 1, 16))
    same = see(8, 1, 1, 16)._replace(student=one, teacher=one)
    value, metrics = jax.jit(criterion.loss)({}, jnp.outer(one[0, 0], one[0, 0]), same)
    assert_allclose([value, metrics["covariance/purity"]], [8, 1], rtol=1e-12)
    assert_allclose(jax.jit(criterion.loss)({}, jnp.zeros((16, 16)), same)[0], 0.8, rtol=1e-12)  # the first step


def test_scales_and_a_common_rotation_change_nothing(strict, see):
    criterion, seen = covariance.tico(), see(6, 1, 1, 4)
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(4, 4)))[0]
    moment = moment_by_loops(np.random.default_rng(2).normal(size=(9, 4)))
    value = criterion.loss({}, moment, seen)[0]
    turned = seen._replace(student=3 * seen.student @ turn, teacher=seen.teacher @ turn / 5)
    assert_allclose(criterion.loss({}, turn.T @ moment @ turn, turned)[0], value, rtol=1e-12)


def test_along_equal_directions_and_all(strict):
    x = np.random.default_rng(3).normal(size=(5, 4))
    assert_allclose(redundancy.along(x, jnp.eye(4) / 4), 1 / 4, rtol=1e-12)
    assert_allclose(redundancy.along(x[:1], redundancy.second_moment(x[:1])), 1, rtol=1e-12)


@pytest.mark.parametrize("options, sentence", [({"beta": 1.0}, "beta is 1.0"), ({"rho": -1.0}, "rho is -1.0")])
def test_numbers_out_of_range_are_refused(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        covariance.tico(**options)
