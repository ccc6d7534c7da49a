"""Linear classifiers of one class against the rest, many at once: min ridge/2 theta^2 + sum_i weight_i loss(margin_i).

Newton's method on every column, with conjugate gradients for its equations and halved steps where one leads up: for the
squared hinge that of Keerthi and DeCoste 2005 (JMLR 6, "A modified finite Newton method for fast solution of large
scale linear SVMs"). Columns are classes, and folds of them, and share each product with the features.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ssl_jax.types import Array

STEPS, INNER, HALVINGS = 50, 200, 20
"""Newton steps, products with the second derivatives in each, and halvings of a step, at most."""


class Loss(NamedTuple):
    """Of margins: the value, its derivative and its second derivative, each elementwise."""

    value: Callable[[Array], Array]
    slope: Callable[[Array], Array]
    curvature: Callable[[Array], Array]


SQUARED_HINGE = Loss(
    lambda m: jnp.square(jnp.maximum(1 - m, 0)),
    lambda m: -2 * jnp.maximum(1 - m, 0),
    lambda m: jnp.where(m < 1, jnp.full_like(m, 2), jnp.zeros_like(m)),
)
LOGISTIC = Loss(
    lambda m: jax.nn.softplus(-m),
    lambda m: -jax.nn.sigmoid(-m),
    lambda m: jax.nn.sigmoid(m) * jax.nn.sigmoid(-m),
)


class Problem(NamedTuple):
    """x: [n, d]; sign: [n, k], 1 or -1; weight: [n, k] >= 0, 0 leaves an example out; ridge: [d + 1, 1], the penalty of
    each row of theta [d + 1, k], of which the last is the bias."""

    x: Array
    sign: Array
    weight: Array
    ridge: Array


class _Search(NamedTuple):
    theta: Array
    size: Array
    moved: Array
    steps: Array


def decision(x: Array, theta: Array) -> Array:
    """[n, d], [d + 1, k] -> x theta + bias, [n, k]."""
    return jnp.dot(x, theta[:-1], precision="highest") + theta[-1:]


def against_the_rest(
    x: Array, truth: np.ndarray, weight: np.ndarray, ridge: Array, start: Array | None, *, tolerance: float, loss: Loss
) -> Array:
    """theta [d + 1, k] of a classifier a class, from `start` or from 0.

    truth: int8 [n, k], 1 where an example has the class. weight, ridge: as of `Problem`.
    """
    sign = jnp.asarray(np.where(truth == 1, 1, -1), x.dtype)
    problem = Problem(x, sign, jnp.asarray(weight, x.dtype), ridge)
    start = jnp.zeros((x.shape[1] + 1, truth.shape[1]), x.dtype) if start is None else start
    return fit(problem, start, jnp.asarray(tolerance, x.dtype), loss=loss)[0]


@functools.partial(jax.jit, static_argnames=("loss",))
def fit(problem: Problem, start: Array, tolerance: Array, *, loss: Loss) -> tuple[Array, Array]:
    """The minimum of each column from theta [d + 1, k], and the length of its gradient there, in units of that at zero.

    A column is done where that is below `tolerance`, as in liblinear, or where no step leads down any more, in the
    rounding. Columns without an example of weight stay 0.
    """
    first = _size(_gradient(problem, jnp.zeros_like(start), loss)[0])
    unit = jnp.where(first > 0, first, jnp.ones_like(first))

    def go_on(search: _Search) -> Array:
        return jnp.logical_and(search.steps < STEPS, jnp.any(_open(search, tolerance)))

    def step(search: _Search) -> _Search:
        gradient, curvature = _gradient(problem, search.theta, loss)
        relative = _size(gradient) / unit
        active = jnp.logical_and(relative > tolerance, search.moved)
        direction = _solved(problem, curvature, gradient, jnp.minimum(0.1, jnp.sqrt(relative)), active)
        theta, moved = _descended(problem, search.theta, direction, gradient, loss, active)
        return _Search(theta, _size(_gradient(problem, theta, loss)[0]) / unit, moved, search.steps + 1)

    begun = _size(_gradient(problem, start, loss)[0]) / unit
    end = jax.lax.while_loop(go_on, step, _Search(start, begun, begun >= 0, jnp.asarray(0)))
    return end.theta, end.size


def _open(search: _Search, tolerance: Array) -> Array:
    """The columns that are not done."""
    return jnp.logical_and(search.size > tolerance, search.moved)


def _size(gradient: Array) -> Array:
    return jnp.linalg.norm(gradient, axis=0)


def _gradient(problem: Problem, theta: Array, loss: Loss) -> tuple[Array, Array]:
    """Of all columns, [d + 1, k], and the curvature of each example, [n, k]."""
    margin = problem.sign * decision(problem.x, theta)
    slope = problem.weight * problem.sign * loss.slope(margin)
    return problem.ridge * theta + _back(problem.x, slope), problem.weight * loss.curvature(margin)


def _back(x: Array, rows: Array) -> Array:
    """[n, d], [n, k] -> [x, 1].T rows, [d + 1, k]."""
    return jnp.concatenate([jnp.dot(x.T, rows, precision="highest"), rows.sum(0, keepdims=True)])


def _solved(problem: Problem, curvature: Array, gradient: Array, accuracy: Array, active: Array) -> Array:
    """-H^-1 gradient by conjugate gradients, preconditioned by the diagonal of H; 0 in columns that are not active."""
    diagonal = problem.ridge + _back(jnp.square(problem.x), curvature)
    diagonal = jnp.where(diagonal > 0, diagonal, jnp.ones_like(diagonal))
    rest = jnp.where(active[None], -gradient, jnp.zeros_like(gradient))
    wanted = jnp.square(accuracy) * (rest * rest / diagonal).sum(0)

    def go_on(held: tuple) -> Array:
        return jnp.logical_and(held[-1] < INNER, jnp.any(held[3] > wanted))

    def step(held: tuple) -> tuple:
        found, rest, search, left, count = held
        bent = problem.ridge * search + _back(problem.x, curvature * decision(problem.x, search))
        along = (search * bent).sum(0)
        going = jnp.logical_and(left > wanted, along > 0)
        far = jnp.where(going, left / jnp.where(along > 0, along, jnp.ones_like(along)), jnp.zeros_like(left))
        found, rest = found + far[None] * search, rest - far[None] * bent
        now = jnp.where(going, (rest * rest / diagonal).sum(0), jnp.zeros_like(left))
        back = now / jnp.where(left > 0, left, jnp.ones_like(left))
        return found, rest, rest / diagonal + back[None] * search, now, count + 1

    start = (jnp.zeros_like(rest), rest, rest / diagonal, (rest * rest / diagonal).sum(0), jnp.asarray(0))
    return jax.lax.while_loop(go_on, step, start)[0]


def _descended(
    problem: Problem, theta: Array, direction: Array, gradient: Array, loss: Loss, active: Array
) -> tuple[Array, Array]:
    """theta + t direction, t the largest of 1, 1/2, ... that leads down enough in a column, and which columns moved."""
    at, along = decision(problem.x, theta), decision(problem.x, direction)
    down = (gradient * direction).sum(0)

    def value(far: Array) -> Array:
        there = theta + far[None] * direction
        fitted = loss.value(problem.sign * (at + far[None] * along))
        return (problem.ridge * jnp.square(there)).sum(0) / 2 + (problem.weight * fitted).sum(0)

    here = value(jnp.zeros_like(down))

    def enough(far: Array) -> Array:
        return value(far) <= here + 1e-4 * far * down

    def halve(held: tuple) -> tuple:
        far, good, count = held
        far = jnp.where(good, far, far / 2)
        return far, enough(far), count + 1

    ones = jnp.ones_like(down)
    go_on = lambda held: jnp.logical_and(held[-1] < HALVINGS, ~jnp.all(held[1]))  # noqa: E731
    far, good, _ = jax.lax.while_loop(go_on, halve, (ones, enough(ones), jnp.asarray(0)))
    moved = jnp.logical_and(jnp.logical_and(good, active), down < 0)
    return theta + jnp.where(moved, far, jnp.zeros_like(far))[None] * direction, moved
