"""Criteria of a student that imitates what a finished network says of the same view."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from ssl_jax import monitors
from ssl_jax.checks import ranges
from ssl_jax.criteria import views
from ssl_jax.losses import distillation
from ssl_jax.losses.precision import widen
from ssl_jax.types import Criterion, Metrics, Pairs


def features(*, pairs: Pairs = views.same) -> Criterion:
    """||W h_s - h_t||^2 (FitNets, arXiv:1412.6550, eq. 3, without its half), a mean over the pairs of views.

    student: [b, v, d], features as a head W gives them; teacher: [b, w, d]. Metric "teacher/explained": 1 less the
    error's share of the teacher's variance, 0 for a student that knows only the mean.
    """

    def compared(teacher, student):
        teacher = widen(teacher)
        error = distillation.squared(student, teacher)
        spread = distillation.squared(teacher, jnp.broadcast_to(jnp.mean(teacher, 0, keepdims=True), teacher.shape))
        return error, {"teacher/explained": 1 - error / jnp.maximum(spread, 1e-12)}

    return _imitating(compared, pairs)


def soft_targets(*, temperature: float = 4.0, pairs: Pairs = views.same) -> Criterion:
    """tau^2 KL(p_t || p_s) of softmaxes at one temperature (arXiv:1503.02531, section 2), a mean over pairs of views.

    student: [b, v, k], teacher: [b, w, k], logits. Metrics: the "teacher/entropy" at this temperature, and "agreement",
    the share of examples in which both have the same largest logit.
    """
    ranges.above_zero(temperature=temperature)

    def compared(teacher, student):
        agreed = (jnp.argmax(teacher, -1) == jnp.argmax(student, -1)).astype(jnp.float32)
        entropy = monitors.entropy(jax.nn.softmax(widen(teacher) / temperature))
        return distillation.softened(teacher, student, temperature), {
            "teacher/entropy": entropy,
            "agreement": agreed.mean(),
        }

    return _imitating(compared, pairs)


def _imitating(compared: Callable[..., tuple], pairs: Pairs) -> Criterion:
    def init(key, seen):
        views.require(seen, pairs=pairs)
        ours, theirs = seen.student.shape[-1], seen.teacher.shape[-1]
        if ours != theirs:
            raise ValueError(f"the teacher says {theirs} numbers a view and the student {ours}: give both as many")
        return {}, {}

    def loss(params, state, seen):
        teacher = jax.lax.stop_gradient(seen.teacher)
        found = [compared(teacher[:, t], seen.student[:, s]) for t, s in views.of(seen, pairs)]
        return sum(value for value, _ in found) / len(found), _mean([metrics for _, metrics in found])

    return Criterion(init, loss, lambda state, seen: state)


def _mean(found: list[Metrics]) -> Metrics:
    return jax.tree.map(lambda *values: jnp.mean(jnp.stack(values)), *found)
