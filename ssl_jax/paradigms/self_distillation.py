"""A student is taught by its own average: BYOL, MoCo v2, DINO."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from ssl_jax import monitors
from ssl_jax.paradigms import encode
from ssl_jax.state import ema
from ssl_jax.types import Array, Aux, Criterion, Key, Method, Net, Place, Schedule, Seen, Tree

ENCODERS = {
    "student": encode.ENCODER,
    "teacher": Place(("method_state", "teacher", "encoder"), ("method_state", "teacher_stats", "encoder")),
}
AVERAGED = ("encoder", "projector")
"""The nets that the teacher has: a predictor is the student's alone."""


def self_distillation(
    encoder: Net,
    projector: Net,
    criterion: Criterion,
    *,
    ema_decay: Schedule,
    predictor: Net | None = None,
    through: Callable = encode.each,
    arrange: Callable = encode.in_place,
) -> Method:
    """The student sees all crops, the teacher the full-size ones; the teacher follows after each step.

    ema_decay: what survives of the teacher in a step. Parameters alone are averaged: the teacher's batch
    statistics come from its own passes in training mode, in which no drop path acts.
    through: `encode.each` or `encode.joint`, which views share batch statistics.
    arrange: the order in which the teacher meets the batch, `encode.in_place` or `encode.shuffled`.
    """
    heads = {"projector": projector} if predictor is None else {"projector": projector, "predictor": predictor}

    def forward(nets: dict, params: Tree, stats: Tree, groups: list, key: Key | None):
        new = {}
        args = (through, encoder, params["encoder"], stats["encoder"], groups)
        h, new["encoder"] = encode.groups(*args, train=True, key=key)
        y = h
        for name, net in nets.items():
            y, new[name] = through(net, params[name], stats[name], y, train=True)
        return h, y, new

    def taught(state: Tree, views: Array, key: Key):
        views, undo = arrange(key, views)
        _, y, stats = forward({"projector": projector}, state["teacher"], state["teacher_stats"], [views], None)
        return jax.lax.stop_gradient(undo(y)), stats

    def init(key: Key, batch: dict) -> tuple[Tree, Tree]:
        net_key, criterion_key = jax.random.split(key)
        crops = encode.crops(batch)
        params, stats = encode.init_chain(net_key, crops[0][:, 0], encoder=encoder, **heads)
        # Copies: the teacher needs buffers of its own before the state is donated.
        state = {
            "stats": stats,
            "teacher": {n: jax.tree.map(jnp.copy, params[n]) for n in AVERAGED},
            "teacher_stats": {n: jax.tree.map(jnp.copy, stats[n]) for n in AVERAGED},
        }
        _, student, _ = jax.eval_shape(lambda p, s: forward(heads, p, s, crops, None), params, stats)
        teacher, _ = jax.eval_shape(taught, state, crops[0], key)
        seen = Seen(student, teacher, batch["index"], batch["label"], jnp.zeros((), jnp.int32), criterion_key)
        params["criterion"], state["criterion"] = criterion.init(criterion_key, seen)
        return params, state

    def loss(params: Tree, state: Tree, batch: dict, key: Key, step: Array) -> tuple[Array, Aux]:
        net_key, order_key, criterion_key = jax.random.split(key, 3)
        crops = encode.crops(batch)
        h, student, stats = forward(heads, params, state["stats"], crops, net_key)
        teacher, teacher_stats = taught(state, crops[0], order_key)
        seen = Seen(student, teacher, batch["index"], batch["label"], step, criterion_key)
        value, metrics = criterion.loss(params["criterion"], state["criterion"], seen)
        metrics = {**monitors.similarities(jax.lax.stop_gradient(student), teacher), **metrics}
        carry = {"stats": stats, "teacher_stats": teacher_stats, "seen": seen}
        return value, jax.lax.stop_gradient(Aux(carry, h[:, 0], metrics))

    def update(state: Tree, params: Tree, carry: Tree, step: Array) -> Tree:
        student = {n: params[n] for n in AVERAGED}
        return {
            "stats": carry["stats"],
            "teacher": ema.toward(state["teacher"], student, ema_decay(step)),
            "teacher_stats": carry["teacher_stats"],
            "criterion": criterion.update(state["criterion"], carry["seen"]),
        }

    return Method(init, loss, update, encode.embedder(encoder), ENCODERS, placement=encode.placement(criterion))
