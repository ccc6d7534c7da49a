"""A student that sees a part predicts what its own average makes of the whole, place by place: I-JEPA, data2vec."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from ssl_jax import monitors
from ssl_jax.losses import latent
from ssl_jax.paradigms import encode
from ssl_jax.paradigms.self_distillation import ENCODERS
from ssl_jax.state import ema
from ssl_jax.tasks import masks, pixels
from ssl_jax.types import Array, Aux, Criterion, Key, Method, Net, Schedule, Seen, Tree


class Hidden(NamedTuple):
    """What is hidden from the student, and what it is asked for.

    encoder, predictor: further options of their calls. counts: bool [b, n], which predictions count. at: int32 [b, n],
    the places in the image that are predicted, or None for all l in order.
    """

    encoder: dict
    predictor: dict
    counts: Array
    at: Array | None = None


def latent_prediction(
    encoder: Net,
    predictor: Net,
    criterion: Criterion,
    *,
    ema_decay: Schedule,
    hide: Callable[[Key, int, tuple[int, int]], Hidden],
    target: Callable[[dict], Array],
    asked_of_teacher: dict | None = None,
) -> Method:
    """The teacher encodes whole images, the student the rest of what `hide` takes away; each view is an image.

    predictor: a net of the student's output; what it gives is, with its places merged, [b, n, d].
    criterion: it sees "places" [b v, n, d], the prediction and the target, and "counts" in the batch.
    ema_decay: what survives of the teacher's parameters in a step. Its features of the first view are those that are
    watched. hide: (key, b, (rows, columns)). target: the teacher's output -> [b, l, d], for all places.
    asked_of_teacher: options of the teacher's call.
    """

    def taught(state: Tree, shown: Array) -> tuple[Array, Array, Tree]:
        args = (state["teacher"]["encoder"], state["teacher_stats"]["encoder"], shown)
        y, stats = encoder.apply(*args, train=True, **asked_of_teacher or {})
        return *jax.lax.stop_gradient((y["pool"], target(y))), {"encoder": stats}

    def observed(params: Tree, state: Tree, batch: dict, key: Key, step: Array):
        net_key, hide_key, criterion_key = jax.random.split(key, 3)
        shown, facts = encode.one_by_one(batch), encode.facts(batch)
        pool, known, teacher_stats = taught(state, shown)
        hidden = hide(hide_key, len(shown), pixels.sides(shown.shape[1:], known.shape[1]))
        y, new = encoder.apply(
            *(params["encoder"], state["stats"]["encoder"], shown), train=True, key=net_key, **hidden.encoder
        )
        said, own = predictor.apply(
            *(params["predictor"], state["stats"]["predictor"], y), train=True, key=net_key, **hidden.predictor
        )
        said = said.reshape(len(shown), -1, said.shape[-1])
        if said.shape[-1] != known.shape[-1]:
            raise ValueError(
                f"the predictor's output has {said.shape[-1]} features and the teacher's {known.shape[-1]}: "
                f"give nets.predictor out={known.shape[-1]}"
            )
        sides = ({"places": said}, {"places": known if hidden.at is None else masks.take(known, hidden.at)})
        seen = Seen(*sides, {**facts, "counts": hidden.counts}, step, criterion_key)
        stats = {"stats": {"encoder": new, "predictor": own}, "teacher_stats": teacher_stats}
        return seen, stats, pool, known

    def init(key: Key, batch: dict) -> tuple[Tree, Tree]:
        encoder_key, predictor_key, rest = jax.random.split(key, 3)
        shown, params, stats = encode.one_by_one(batch), {}, {}
        params["encoder"], stats["encoder"] = encoder.init(encoder_key, shown)
        encode.patches(encoder, params["encoder"], stats["encoder"], shown)  # raises where there are none
        y = jax.eval_shape(lambda p, s: encoder.apply(p, s, shown, train=False)[0], params["encoder"], stats["encoder"])
        y = jax.tree.map(lambda a: jnp.zeros(a.shape, a.dtype), y)
        params["predictor"], stats["predictor"] = predictor.init(predictor_key, y)
        # Copies: the teacher needs buffers of its own before the state is donated.
        teacher, teacher_stats = ({"encoder": jax.tree.map(jnp.copy, tree["encoder"])} for tree in (params, stats))
        state = {"stats": stats, "teacher": teacher, "teacher_stats": teacher_stats}
        seen = jax.eval_shape(lambda p, s: observed(p, s, batch, rest, jnp.zeros((), jnp.int32))[0], params, state)
        params["criterion"], state["criterion"] = criterion.init(rest, seen._replace(key=rest))
        return params, state

    def loss(params: Tree, state: Tree, batch: dict, key: Key, step: Array) -> tuple[Array, Aux]:
        seen, stats, pool, known = observed(params, state, batch, key, step)
        value, metrics = criterion.loss(params["criterion"], state["criterion"], seen)
        metrics = {**_spreads(known), "counts": jnp.mean(seen.batch["counts"].astype(jnp.float32)), **metrics}
        features = encode.of_first(pool, batch)
        return value, jax.lax.stop_gradient(Aux({**stats, "seen": seen}, features, metrics))

    def update(state: Tree, params: Tree, carry: Tree, step: Array) -> Tree:
        return {
            "stats": carry["stats"],
            "teacher": ema.toward(state["teacher"], {"encoder": params["encoder"]}, ema_decay(step)),
            "teacher_stats": carry["teacher_stats"],
            "criterion": criterion.update(state["criterion"], carry["seen"]),
        }

    return Method(init, loss, update, encode.embedder(encoder), ENCODERS, placement=encode.placement(criterion))


def blocks_from_context(split: Callable) -> Callable[[Key, int, tuple[int, int]], Hidden]:
    """I-JEPA's `hide`: the encoder gets the context alone, the predictor each block of a `tasks.multiblock.Split`."""

    def hide(key: Key, b: int, grid: tuple[int, int]) -> Hidden:
        made = split(key, b, grid)
        context = dict(keep=made.keep, seen=made.seen)
        asked = dict(grid=grid, at=made.at, asked=made.asked)
        return Hidden(context, {**context, **asked}, made.asked.reshape(b, -1), made.at.reshape(b, -1))

    return hide


def masked_patches(mask: Callable) -> Callable[[Key, int, tuple[int, int]], Hidden]:
    """data2vec's `hide`: mask tokens stand for the patches of `mask`, a function of `tasks/masks.py`."""

    def hide(key: Key, b: int, grid: tuple[int, int]) -> Hidden:
        hidden = mask(key, b, 1, grid)[:, 0]
        return Hidden({"hidden": hidden}, {}, hidden)

    return hide


def tokens(y: dict) -> Array:
    """I-JEPA's `target`: the normalized tokens [b, l, d]. Raises ValueError for an encoder with a class token."""
    if "cls" in y:
        raise ValueError('nothing teaches a class token: give nets.encoder cls_token=False and pool="mean"')
    return latent.layer_normalized(y["tokens"])


def _spreads(targets: Array) -> dict[str, Array]:
    """Of targets [b, l, d], 0 at collapse and at most 1: over all places of all images, and over images at one place.

    The second is 0 as well where a target says nothing but the place.
    """
    every = targets.reshape(-1, targets.shape[-1])
    return {"target/std": monitors.spread(every), "target/std_of_images": monitors.spread(targets)}
