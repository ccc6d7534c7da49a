"""One network, all views, compare: SimCLR, SimSiam, Barlow Twins, VICReg, SwAV, DeepCluster-v2."""

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
    passes: tuple[Pass, ...] = (),
) -> Method:
    """Crops -> encoder -> projector -> criterion.

    through: `encode.joint` or `encode.each`, which views share batch statistics in the encoder and the heads.
    predictor: a net on the student's side alone. The criterion's teacher side is the projection of the full-size
    crops, without gradient.
    """
    heads = {"projector": projector} if predictor is None else {"projector": projector, "predictor": predictor}

    def forward(params: Tree, stats: Tree, batch: dict, key: Key | None):
        new = {}
        h, new["encoder"] = encode.groups(
            through, encoder, params["encoder"], stats["encoder"], encode.crops(batch), train=True, key=key
        )
        y, sides = h, []
        for name, head in heads.items():
            y, new[name] = through(head, params[name], stats[name], y, train=True)
            sides.append(y)
        full_size = encode.crops(batch)[0].shape[1]
        return h, sides[-1], jax.lax.stop_gradient(sides[0][:, :full_size]), new

    def init(key: Key, batch: dict) -> tuple[Tree, Tree]:
        net_key, criterion_key = jax.random.split(key)
        params, stats = encode.init_chain(net_key, encode.crops(batch)[0][:, 0], encoder=encoder, **heads)
        _, student, teacher, _ = jax.eval_shape(lambda p, s: forward(p, s, batch, None), params, stats)
        seen = Seen(student, teacher, batch["index"], batch["label"], jnp.zeros((), jnp.int32), criterion_key)
        params["criterion"], state = criterion.init(criterion_key, seen)
        return params, {"stats": stats, "criterion": state}

    def loss(params: Tree, state: Tree, batch: dict, key: Key, step: Array) -> tuple[Array, Aux]:
        net_key, criterion_key = jax.random.split(key)
        h, student, teacher, stats = forward(params, state["stats"], batch, net_key)
        seen = Seen(student, teacher, batch["index"], batch["label"], step, criterion_key)
        value, metrics = criterion.loss(params["criterion"], state["criterion"], seen)
        metrics = {**monitors.similarities(jax.lax.stop_gradient(student), teacher), **metrics}
        aux = Aux({"stats": stats, "seen": seen}, h[:, 0], metrics)
        return value, jax.lax.stop_gradient(aux)

    def update(state: Tree, params: Tree, carry: Tree, step: Array) -> Tree:
        return {"stats": carry["stats"], "criterion": criterion.update(state["criterion"], carry["seen"])}

    placement = encode.placement(criterion)
    return Method(init, loss, update, encode.embedder(encoder), {"encoder": encode.ENCODER}, passes, placement)
