"""One network, all views, compare: SimCLR, SimSiam, Barlow Twins, VICReg, VICRegL, SwAV, DeepCluster-v2."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from ssl_jax import monitors
from ssl_jax.paradigms import encode
from ssl_jax.types import Array, Aux, Criterion, Key, Method, Net, Pass, Seen, Tree


def joint_embedding(
    encoder: Net,
    projector: Net,
    criterion: Criterion,
    *,
    through: Callable = encode.joint,
    predictor: Net | None = None,
    dense: Net | None = None,
    keep: tuple[str, ...] = ("pool",),
    passes: tuple[Pass, ...] = (),
) -> Method:
    """Crops -> encoder -> projector -> criterion, which sees "projection", "prediction" and the outputs `keep`.

    through: `encode.joint` or `encode.each`, which views share batch statistics in the encoder and the heads.
    predictor: a net on the student's side alone, whose output is the "prediction". The criterion's teacher side has
    the same outputs of the full-size crops but for this one, without gradient. dense: a head of each place of the
    full-size crops, of which the "grid", the encoder's features [b, w, l, d], and "dense", the head's, are there then.
    keep: see `encode.groups`.
    """
    keep = keep if dense is None else (*keep, encode.GRID)
    heads = {"projector": projector} if predictor is None else {"projector": projector, "predictor": predictor}

    def forward(params: Tree, stats: Tree, batch: dict, key: Key | None):
        new, crops = {}, encode.crops(batch)
        args = (through, encoder, params["encoder"], stats["encoder"], crops)
        student, new["encoder"] = encode.groups(*args, train=True, key=key, outputs=keep)
        y = student["pool"]
        for name, head in heads.items():
            y, new[name] = through(head, params[name], stats[name], y, train=True)
            student[encode.SAID[name]] = y
        if dense is not None:
            args = (params["dense"], stats["dense"], student[encode.GRID])
            student["dense"], new["dense"] = through(encode.everywhere(dense), *args, train=True)
        full_size, own = crops[0].shape[1], {n: a for n, a in student.items() if n != encode.SAID["predictor"]}
        return student, jax.lax.stop_gradient(jax.tree.map(lambda a: a[:, :full_size], own)), new

    def init(key: Key, batch: dict) -> tuple[Tree, Tree]:
        net_key, criterion_key = jax.random.split(key)
        first = encode.crops(batch)[0][:, 0]
        params, stats = encode.init_chain(net_key, first, encoder=encoder, **heads)
        if dense is not None:
            place = encode.places_like(encoder, params["encoder"], stats["encoder"], first)
            params["dense"], stats["dense"] = encode.everywhere(dense).init(jax.random.fold_in(net_key, 0), place)
        student, teacher, _ = jax.eval_shape(lambda p, s: forward(p, s, batch, None), params, stats)
        seen = Seen(student, teacher, encode.facts(batch), jnp.zeros((), jnp.int32), criterion_key)
        params["criterion"], state = criterion.init(criterion_key, seen)
        return params, {"stats": stats, "criterion": state}

    def loss(params: Tree, state: Tree, batch: dict, key: Key, step: Array) -> tuple[Array, Aux]:
        net_key, criterion_key = jax.random.split(key)
        student, teacher, stats = forward(params, state["stats"], batch, net_key)
        seen = Seen(student, teacher, encode.facts(batch), step, criterion_key)
        value, metrics = criterion.loss(params["criterion"], state["criterion"], seen)
        said = student.get(encode.SAID["predictor"], student[encode.SAID["projector"]])
        known = teacher[encode.SAID["projector"]]
        metrics = {**monitors.similarities(jax.lax.stop_gradient(said), known), **metrics}
        aux = Aux({"stats": stats, "seen": seen}, student["pool"][:, 0], metrics)
        return value, jax.lax.stop_gradient(aux)

    def update(state: Tree, params: Tree, carry: Tree, step: Array) -> Tree:
        return {"stats": carry["stats"], "criterion": criterion.update(state["criterion"], carry["seen"])}

    placement = encode.placement(criterion)
    return Method(init, loss, update, encode.embedder(encoder), {"encoder": encode.ENCODER}, passes, placement)
