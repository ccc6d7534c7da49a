"""A student is taught by a finished network, which stays as it is: knowledge distillation."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from ssl_jax import monitors
from ssl_jax.paradigms import encode
from ssl_jax.types import Array, Aux, Criterion, Key, Method, Net, Place, Seen, Tree

ENCODERS = {
    "student": encode.ENCODER,
    "teacher": Place("teacher", ("method_state", "teacher"), ("method_state", "teacher_stats")),
}


def imitation(
    encoder: Net, projector: Net, teacher: Net, criterion: Criterion, *, through: Callable = encode.joint
) -> Method:
    """Both see the full-size crops, the very same pixels; the student's projection learns what the teacher says.

    criterion: it sees the student's "pool" and "projection" and the teacher's "pool". The teacher runs as in
    evaluation, by the batch statistics that it came with, and no step changes it; the recipe's `start` says whose
    weights it has. through: which views share batch statistics in the student.
    """

    def observed(params: Tree, state: Tree, batch: dict, key: Key, step: Array) -> tuple[Seen, Tree]:
        net_key, criterion_key = jax.random.split(key)
        crops, stats = [encode.full_size(batch)], {}
        args = (through, encoder, params["encoder"], state["stats"]["encoder"], crops)
        student, stats["encoder"] = encode.groups(*args, train=True, key=net_key)
        head = (projector, params["projector"], state["stats"]["projector"], student["pool"])
        student["projection"], stats["projector"] = through(*head, train=True)
        args = (encode.joint, teacher, state["teacher"], state["teacher_stats"], crops)
        known, _ = encode.groups(*args, train=False)
        return Seen(student, jax.lax.stop_gradient(known), encode.facts(batch), step, criterion_key), stats

    def init(key: Key, batch: dict) -> tuple[Tree, Tree]:
        net_key, teacher_key, criterion_key = jax.random.split(key, 3)
        first = encode.full_size(batch)[:, 0]
        params, stats = encode.init_chain(net_key, first, encoder=encoder, projector=projector)
        state = {"stats": stats}
        state["teacher"], state["teacher_stats"] = teacher.init(teacher_key, first)
        seen, _ = jax.eval_shape(lambda p, s: observed(p, s, batch, key, jnp.zeros((), jnp.int32)), params, state)
        params["criterion"], state["criterion"] = criterion.init(criterion_key, seen._replace(key=criterion_key))
        return params, state

    def loss(params: Tree, state: Tree, batch: dict, key: Key, step: Array) -> tuple[Array, Aux]:
        seen, stats = observed(params, state, batch, key, step)
        value, metrics = criterion.loss(params["criterion"], state["criterion"], seen)
        metrics = {
            **monitors.similarities(*jax.lax.stop_gradient((seen.student["projection"], seen.teacher["pool"]))),
            **metrics,
        }
        return value, jax.lax.stop_gradient(Aux({"stats": stats, "seen": seen}, seen.student["pool"][:, 0], metrics))

    def update(state: Tree, params: Tree, carry: Tree, step: Array) -> Tree:
        held = criterion.update(state["criterion"], carry["seen"])
        return {**state, "stats": carry["stats"], "criterion": held}

    method = Method(init, loss, update, encode.embedder(encoder), ENCODERS, placement=encode.placement(criterion))
    return method._replace(frozen=("teacher",))
