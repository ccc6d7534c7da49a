"""Criteria of DINOv2: a teacher that Sinkhorn's iterations balance, and rows that keep their distance."""

import math

import jax
import jax.numpy as jnp

from ssl_jax import monitors
from ssl_jax.checks import ranges
from ssl_jax.criteria import views
from ssl_jax.losses import clustering, distillation, spreading
from ssl_jax.losses.precision import widen
from ssl_jax.types import Array, Criterion, Metrics, Pairs, Schedule

MOST = 1000
"""Iterations, each of which is written out in the step."""


def balanced(
    *,
    teacher_temperature: Schedule,
    student_temperature: float = 0.1,
    iterations: int = 3,
    pairs: Pairs = views.crossed,
) -> Criterion:
    """DINO's loss with Sinkhorn in place of the center (DINOv2, arXiv:2304.07193, section 4; code).

    student: [b, v, k], teacher: [b, w, k], raw logits. The teacher's views of all examples are balanced together. A
    mean over the pairs of different views, as DINO's. pairs: which views are compared.
    """
    _check(student_temperature, iterations)

    def loss(params, state, seen):
        target = _codes(seen.teacher, teacher_temperature(seen.step), iterations)
        logits = widen(seen.student) / student_temperature
        value = distillation.across_views(target, logits, pairs=views.of(seen, pairs))
        return value, _metrics(target)

    return views.stateless(loss, examples=2, pairs=pairs)


def balanced_patches(
    *,
    teacher_temperature: Schedule,
    student_temperature: float = 0.1,
    iterations: int = 3,
) -> Criterion:
    """iBOT's loss of patches with Sinkhorn in place of the center (DINOv2, arXiv:2304.07193, section 4; code).

    student, teacher: [b, 1, s, k], raw logits of the listed patches; batch["listed"]: HiddenPatches of batch["hidden"],
    bool [b, v, l]. The hidden patches of all views of all examples are balanced together, what fills the list up takes
    no part. As in iBOT a view's mean over its hidden patches, 0 where it has none; a mean over views and examples.
    Metrics: "hidden", the share of patches that are.
    """
    _check(student_temperature, iterations)

    def init(key, seen):
        if "listed" not in seen.batch:
            raise ValueError("this loss is of listed hidden patches, and the method lists none")
        return {}, {}

    def loss(params, state, seen):
        hidden, listed = seen.batch["hidden"], seen.batch["listed"]
        real, count = listed.real[:, None], listed.count[:, None]
        target = _codes(seen.teacher, teacher_temperature(seen.step), iterations, where=real)
        logits = widen(seen.student) / student_temperature
        total = distillation.listed_cross_entropy(target, logits, real, count)
        return total / math.prod(hidden.shape[:2]), {"hidden": jnp.mean(hidden.astype(jnp.float32))}

    return Criterion(init, loss, lambda state, seen: state)


def koleo(*, among: int = 0) -> Criterion:
    """KoLeo (DINOv2, arXiv:2304.07193, section 4; code): examples keep away from their nearest; a sum over the views.

    student: [b, v, d], any norm; of the teacher only the number of views w is read: the first w of the student's count,
    each by itself, as views of one image shall be near. among: so many examples, in which neighbors are looked for, one
    GPU's in the code; 0 for all of the batch. `init` raises ValueError for a batch that is no multiple of it.
    """
    ranges.zero_or_more(among=among)
    if among == 1:
        raise ValueError("among is 1; an example alone has no neighbor: take 2 or more, or 0 for the whole batch")

    def init(key, seen):
        views.require(seen, pairs=views.same, examples=2)
        if among and (b := seen.student.shape[0]) % among:
            raise ValueError(f"a batch of {b} examples cannot be cut into groups of {among}; take a divisor of {b}")
        return {}, {}

    def loss(params, state, seen):
        b, _, d = seen.student.shape
        groups = [seen.student[:, i].reshape(-1, among or b, d) for i in range(seen.teacher.shape[1])]
        return sum(jnp.mean(jax.vmap(spreading.koleo)(x)) for x in groups), {}

    return Criterion(init, loss, lambda state, seen: state)


def _check(student_temperature: float, iterations: int) -> None:
    ranges.above_zero(student_temperature=student_temperature, iterations=iterations)
    ranges.at_most(MOST, iterations=iterations)


def _codes(teacher: Array, temperature: Array, iterations: int, *, where: Array | None = None) -> Array:
    """[..., k], the teacher's balanced distributions, without gradient; all axes but the last are balanced together."""
    logits = jax.lax.stop_gradient(widen(teacher))
    rows = None if where is None else where.reshape(-1)
    flat = clustering.sinkhorn(
        logits.reshape(-1, logits.shape[-1]), epsilon=temperature, iterations=iterations, where=rows
    )
    return flat.reshape(logits.shape)


def _metrics(target: Array) -> Metrics:
    return {"teacher/entropy": monitors.entropy(target), "prototypes/used": monitors.used(target)}
