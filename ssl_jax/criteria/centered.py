"""Criteria of a centered, sharpened teacher: DINO's for images, iBOT's for hidden patches."""

import jax
import jax.numpy as jnp

from ssl_jax import monitors
from ssl_jax.checks import ranges
from ssl_jax.criteria import views
from ssl_jax.losses import distillation
from ssl_jax.losses.precision import wide, widen
from ssl_jax.state import ema
from ssl_jax.types import Array, Criterion, Pairs, Schedule


def centered(
    *,
    teacher_temperature: Schedule,
    student_temperature: float = 0.1,
    center_momentum: float = 0.9,
    pairs: Pairs = views.crossed,
) -> Criterion:
    """DINO (arXiv:2104.14294, eq. 3 and 4): each other view of the student predicts the teacher's distribution.

    student: [b, v, k], teacher: [b, w, k], raw logits. A mean over the pairs of different views. State: the center
    [k], which starts at 0 and moves to the mean of the raw teacher logits of all views after the loss;
    `center_momentum` is what survives. pairs: which views are compared.
    """
    ranges.above_zero(student_temperature=student_temperature)
    ranges.share(center_momentum=center_momentum)

    def init(key, seen):
        views.require(seen, pairs=pairs)
        return {}, jnp.zeros(seen.teacher.shape[-1:], wide(seen.teacher.dtype))

    def loss(params, state, seen):
        target = _sharpened(seen.teacher, state, teacher_temperature(seen.step))
        compared = views.of(seen, pairs)
        value = distillation.across_views(target, widen(seen.student) / student_temperature, pairs=compared)
        entropy = sum(monitors.entropy(target[:, t]) for t, _ in compared) / len(compared)
        metrics = {"teacher/entropy": entropy, "teacher/evenness": monitors.evenness(target)}
        return value, {**metrics, "teacher/kl": value - entropy, "prototypes/used": monitors.used(target)}

    def update(state, seen):
        return ema.toward(state, jnp.mean(widen(seen.teacher), (0, 1)), center_momentum)

    return Criterion(init, loss, update)


def centered_patches(
    *,
    teacher_temperature: Schedule,
    student_temperature: float = 0.1,
    center_momentum: float = 0.9,
    pairs: Pairs = views.same,
) -> Criterion:
    """iBOT (arXiv:2111.07832, section 3.1): where patches are hidden from the student, it predicts the teacher's
    distribution of the same patch.

    student: [b, v, l, k], teacher: [b, w, l, k], raw logits of the same places; batch["hidden"]: bool [b, v, l]. For
    each pair, which shows one crop, an example's mean over its hidden patches, 0 where it has none; a mean over
    examples and pairs. State: the center [k], which starts at 0 and moves to the mean of the teacher's logits of all
    patches, hidden or not. Metrics: "teacher/..." of all patches, "hidden", the share of those that are.
    """
    ranges.above_zero(student_temperature=student_temperature)
    ranges.share(center_momentum=center_momentum)

    def init(key, seen):
        views.require(seen, pairs=pairs)
        if "hidden" not in seen.batch:
            raise ValueError("this loss is of hidden patches, and the method hides none")
        return {}, jnp.zeros(seen.teacher.shape[-1:], wide(seen.teacher.dtype))

    def loss(params, state, seen):
        target = _sharpened(seen.teacher, state, teacher_temperature(seen.step))
        logits, hidden = widen(seen.student) / student_temperature, seen.batch["hidden"]
        compared = views.of(seen, pairs)
        each = [distillation.hidden_cross_entropy(target[:, t], logits[:, s], hidden[:, s]) for t, s in compared]
        return sum(each[1:], each[0]) / len(compared), {
            "teacher/entropy": monitors.entropy(target),
            "teacher/evenness": monitors.evenness(target),
            "prototypes/used": monitors.used(target),
            "hidden": jnp.mean(hidden.astype(jnp.float32)),
        }

    def update(state, seen):
        return ema.toward(state, jnp.mean(widen(seen.teacher), (0, 1, 2)), center_momentum)

    return Criterion(init, loss, update)


def _sharpened(teacher: Array, center: Array, temperature: Array) -> Array:
    """[..., k], the teacher's distribution without gradient: softmax((logits - center) / temperature)."""
    raw = jax.lax.stop_gradient(widen(teacher) - jnp.expand_dims(center, range(teacher.ndim - 1)))
    return jax.nn.softmax(raw / jnp.asarray(temperature, raw.dtype))
