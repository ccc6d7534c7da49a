"""A student is taught by its own average: BYOL, MoCo v2, DenseCL, DINO, iBOT, DINOv2, TiCo, ReSSL, MMCR, MSN, SMoG."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from ssl_jax import monitors
from ssl_jax.paradigms import encode
from ssl_jax.state import ema
from ssl_jax.tasks import masks, pixels
from ssl_jax.types import Array, Aux, Criterion, Key, Method, Net, Place, Schedule, Seen, TrainState, Tree

ENCODERS = {
    "student": encode.ENCODER,
    "teacher": Place("encoder", ("method_state", "teacher", "encoder"), ("method_state", "teacher_stats", "encoder")),
}


def self_distillation(
    encoder: Net,
    projector: Net,
    criterion: Criterion,
    *,
    ema_decay: Schedule,
    predictor: Net | None = None,
    second_predictor: Net | None = None,
    dense: Net | None = None,
    through: Callable = encode.each,
    arrange: Callable = encode.in_place,
    hide: Callable | None = None,
    listed: Callable | None = None,
    keep: Callable | None = None,
    shown: Callable = encode.all_to_student,
) -> Method:
    """The student sees all crops, the teacher the full-size ones, unless `shown` says else; it follows after each step.

    criterion: it sees "pool" and "projection" of both sides and the student's "prediction".
    ema_decay: what survives of the teacher in a step. Parameters alone are averaged: the teacher's batch
    statistics come from its own passes in training mode, in which no drop path acts.
    predictor: a head of the student's alone. second_predictor: another one beside it, of the same projection, whose
    output is the "second_prediction". dense: a head of each place of the full-size crops: both sides then have
    "grid" [b, w, l, d] as well, the encoder's features, and "dense", the head's. Where it is the projector itself, both
    have the same parameters.
    through: `encode.each` or `encode.joint`, which views share batch statistics.
    arrange: the order in which the teacher meets the batch, `encode.in_place` or `encode.shuffled`.
    hide: (key, b, w, (rows, columns)) -> bool [b, w, l], the patches that the student does not see of full-size crops;
    the encoder gets them as its option `hidden`, the criterion in the batch.
    listed: bool [b, w, l] -> HiddenPatches, of `hide`: the head `dense` is then applied to these patches alone, on both
    sides, "dense" is [b, 1, s, d], and the criterion gets the list in the batch. The teacher's batch stays in place.
    keep: (key, b, v, l) -> int32 [b, v, k], the patches of its full-size crops that the student sees, of l each; the
    encoder gets them as its option `keep`.
    shown: `encode.all_to_student` or `encode.apart`, which crops each side sees.
    """
    heads = {"projector": projector} if predictor is None else {"projector": projector, "predictor": predictor}
    beside = {} if second_predictor is None else {"second_predictor": second_predictor}
    own = {} if dense is None or dense is projector else {"dense": dense}
    averaged = ("encoder", "projector", *own)
    outputs = ("pool",) if dense is None else ("pool", encode.GRID)

    def forward(nets: dict, params: Tree, stats: Tree, groups: list, key: Key | None, patches=None, **options):
        new = {}
        args = (through, encoder, params["encoder"], stats["encoder"], groups)
        y, new["encoder"] = encode.groups(*args, train=True, key=key, outputs=outputs, **options)
        for name, net in nets.items():
            y[encode.SAID[name]], new[name] = through(net, params[name], stats[name], y[encode.FED[name]], train=True)
        if dense is not None:
            role = "dense" if own else "projector"
            held, x = {**stats, **new}[role], y[encode.GRID]
            x = x if patches is None else patches.of(x)
            y["dense"], new[role] = through(encode.everywhere(dense), params[role], held, x, train=True)
        return y, new

    def taught(state: Tree, views: Array, key: Key, patches: masks.HiddenPatches | None):
        views, undo = arrange(key, views)
        y, stats = forward({"projector": projector}, state["teacher"], state["teacher_stats"], [views], None, patches)
        return jax.lax.stop_gradient(jax.tree.map(undo, y)), stats

    def observed(params: Tree, state: Tree, batch: dict, keys: tuple[Key, Key, Key], step: Array):
        net_key, order_key, criterion_key = keys
        facts, options, patches = encode.facts(batch), {}, None
        crops, full_size, _ = shown(encode.crops(batch))
        (b, w, *image), own_key = crops[0].shape, jax.random.fold_in(criterion_key, 0)
        if hide is not None or keep is not None:
            length = encode.patches(encoder, params["encoder"], state["stats"]["encoder"], crops[0][:, 0])
        if hide is not None:
            facts["hidden"] = options["hidden"] = hide(own_key, b, w, pixels.sides(image, length))
        if listed is not None:
            facts["listed"] = patches = listed(facts["hidden"])
        if keep is not None:
            options["keep"] = keep(own_key, b, w, length)
        teacher, teacher_stats = taught(state, full_size, order_key, patches)
        student, stats = forward({**heads, **beside}, params, state["stats"], crops, net_key, patches, **options)
        return Seen(student, teacher, facts, step, criterion_key), {"stats": stats, "teacher_stats": teacher_stats}

    def init(key: Key, batch: dict) -> tuple[Tree, Tree]:
        net_key, criterion_key = jax.random.split(key)
        first = encode.crops(batch)[0][:, 0]
        params, stats = encode.init_chain(net_key, first, encoder=encoder, **heads)
        if own:
            place = encode.places_like(encoder, params["encoder"], stats["encoder"], first)
            params["dense"], stats["dense"] = encode.everywhere(dense).init(jax.random.fold_in(net_key, 0), place)
        for name, net in beside.items():
            said = lambda p, s, n=name: forward(heads, p, s, [first[:, None]], None)[0][encode.FED[n]][:, 0]  # noqa: E731
            x = jnp.zeros_like(jax.eval_shape(said, params, stats))
            params[name], stats[name] = net.init(jax.random.fold_in(net_key, 1), x)
        # Copies: the teacher needs buffers of its own before the state is donated.
        state = {
            "stats": stats,
            "teacher": {n: jax.tree.map(jnp.copy, params[n]) for n in averaged},
            "teacher_stats": {n: jax.tree.map(jnp.copy, stats[n]) for n in averaged},
        }
        keys = (net_key, key, criterion_key)
        seen, _ = jax.eval_shape(lambda p, s: observed(p, s, batch, keys, jnp.zeros((), jnp.int32)), params, state)
        params["criterion"], state["criterion"] = criterion.init(criterion_key, seen._replace(key=criterion_key))
        return params, state

    def loss(params: Tree, state: Tree, batch: dict, key: Key, step: Array) -> tuple[Array, Aux]:
        seen, stats = observed(params, state, batch, jax.random.split(key, 3), step)
        value, metrics = criterion.loss(params["criterion"], state["criterion"], seen)
        said = seen.student.get(encode.SAID["predictor"], seen.student[encode.SAID["projector"]])
        known, same = seen.teacher[encode.SAID["projector"]], shown(encode.crops(batch))[2]
        metrics = {**monitors.similarities(jax.lax.stop_gradient(said), known, same=same), **metrics}
        return value, jax.lax.stop_gradient(Aux({**stats, "seen": seen}, seen.student["pool"][:, 0], metrics))

    def update(state: Tree, params: Tree, carry: Tree, step: Array) -> Tree:
        student = {n: params[n] for n in averaged}
        return {
            "stats": carry["stats"],
            "teacher": ema.toward(state["teacher"], student, ema_decay(step)),
            "teacher_stats": carry["teacher_stats"],
            "criterion": criterion.update(state["criterion"], carry["seen"]),
        }

    return Method(init, loss, update, encode.embedder(encoder), ENCODERS, placement=encode.placement(criterion))


def caught_up(state: TrainState) -> TrainState:
    """The state with a teacher that is the student again, in buffers of its own; its batch statistics stay: SMoG."""
    held = state.method_state
    teacher = {name: jax.tree.map(jnp.copy, state.params[name]) for name in held["teacher"]}
    return state._replace(method_state={**held, "teacher": teacher})


def by_teacher(method: Method, encoder: Net) -> Method:
    """The method, of which the teacher's encoder is evaluated and exported: DINO, iBOT."""
    encoders = {name: method.encoders[name] for name in ("teacher", "student")}
    return method._replace(embed=encode.embedder(encoder, place=encoders["teacher"]), encoders=encoders)
