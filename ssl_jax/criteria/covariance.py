"""TiCo's criterion: an average of past second moments stands for the examples that it was made of."""

import jax
import jax.numpy as jnp

from ssl_jax.checks import ranges
from ssl_jax.criteria import views
from ssl_jax.losses import distillation, redundancy
from ssl_jax.losses.precision import wide
from ssl_jax.state import ema
from ssl_jax.types import Array, Criterion, Pairs, Seen


def tico(*, beta: float = 0.9, rho: float = 8.0, pairs: Pairs = views.every) -> Criterion:
    """TiCo (arXiv:2206.10698, algorithm 1): 1 - cos to the teacher, and rho times what lies along directions
    that are taken.

    student: [b, v, d], teacher: [b, w, d], any norm. A mean over the pairs, and over the student's rows. State: C [d,
    d], the average of second moments of the student's unit rows, of which `beta` survives a step; it starts at 0. The
    loss sees C with this batch in it, without a gradient through it. Metrics: the terms before their weights;
    "covariance/purity", the sum of squares of C's eigenvalues over the square of their sum: 1 at collapse, 1 / d ideal.
    """
    ranges.below_one(beta=beta)
    ranges.zero_or_more(rho=rho)

    def init(key, seen):
        views.require(seen, pairs=pairs)
        d = seen.student.shape[-1]
        return {}, jnp.zeros((d, d), wide(seen.student.dtype))

    def loss(params, state, seen):
        moment, compared = _moved(state, seen, beta), views.of(seen, pairs)
        teacher = jax.lax.stop_gradient(seen.teacher)
        cosines = [distillation.negative_cosine(seen.student[:, s], teacher[:, t]) for t, s in compared]
        invariance, contrast = 1 + sum(cosines) / len(cosines), redundancy.along(_rows(seen.student), moment)
        purity = jnp.sum(moment**2) / jnp.trace(moment) ** 2
        metrics = {"tico/invariance": invariance, "tico/contrast": contrast, "covariance/purity": purity}
        return invariance + rho * contrast, metrics

    def update(state, seen):
        return _moved(state, seen, beta)

    return Criterion(init, loss, update)


def _moved(state: Array, seen: Seen, beta: float) -> Array:
    """C after this batch, without gradient."""
    rows = _rows(seen.student)
    return ema.toward(*jax.lax.stop_gradient((state, redundancy.second_moment(rows))), beta)


def _rows(views: Array) -> Array:
    return views.reshape(-1, views.shape[-1])
