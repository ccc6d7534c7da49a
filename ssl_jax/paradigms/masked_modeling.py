"""Hide patches and predict what was hidden.

`masked_modeling` encodes the patches that are seen, and a decoder gets them back in place: MAE, Point-MAE.
`masked_in_place` encodes all of them, the hidden ones as a mask token: SimMIM, MaskFeat, MAE's ablation.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from ssl_jax.paradigms import encode
from ssl_jax.tasks import masks, pixels
from ssl_jax.tasks.targets import Target
from ssl_jax.types import Array, Aux, Criterion, Key, Method, Net, Seen, Tree


class Sight(NamedTuple):
    """What is hidden of a batch: options of the encoder and the decoder, and what the criterion compares.

    compared: (prediction or target [b, l, ...]) -> the part of it that the criterion sees. hidden: bool [b, l].
    told: whether the criterion is told of `hidden`.
    """

    encoder: dict
    decoder: dict
    compared: Callable[[Array], Array]
    hidden: Array
    told: bool


def masked_modeling(
    encoder: Net,
    decoder: Net,
    criterion: Criterion,
    *,
    mask: Callable[[Key, int, int], masks.Mask],
    target: Target,
    told: Callable[[Array], dict] = lambda views: {},
) -> Method:
    """The encoder sees the kept patches alone; the decoder gets them back in place and predicts the target.

    mask: (key, b, l) -> Mask. told: views -> further options of the decoder's call.
    criterion: it sees the hidden "patches" [b v, m, p], prediction and target.
    """

    def sight(params: Tree, stats: Tree, views: Array, key: Key) -> Sight:
        length = encode.places_like(encoder, params["encoder"], stats["encoder"], views).shape[1]
        drawn = mask(key, len(views), length)
        keep = {"keep": drawn.keep}
        return Sight(keep, keep, lambda a: masks.take(a, drawn.hide), drawn.hidden, told=False)

    return _method(encoder, decoder, criterion, sight, target, told)


def masked_in_place(
    encoder: Net,
    decoder: Net,
    criterion: Criterion,
    *,
    hide: Callable[[Key, Array], Array],
    target: Target,
    told: Callable[[Array], dict] = lambda views: {},
) -> Method:
    """The encoder sees all patches, the hidden ones as its mask token; the decoder predicts the target of each token.

    hide: (key, views [b v, ...]) -> bool [b v, n], which of the encoder's n patches are hidden; each example may have
    another number of them. told: views -> further options of the decoder's call.
    criterion: it sees all "patches" [b v, l, p], prediction and target, and "hidden" of the batch.
    """

    def sight(params: Tree, stats: Tree, views: Array, key: Key) -> Sight:
        hidden = hide(key, views)
        return Sight({"hidden": hidden}, {}, lambda a: a, hidden, told=True)

    return _method(encoder, decoder, criterion, sight, target, told)


def _method(
    encoder: Net, decoder: Net, criterion: Criterion, sight: Callable, target: Target, told: Callable
) -> Method:
    def predict(params: Tree, stats: Tree, views: Array, seen: Sight, *, train: bool, key: Key | None):
        options = dict(train=train, key=key)
        y, encoder_stats = encoder.apply(params["encoder"], stats["encoder"], views, **options, **seen.encoder)
        z, decoder_stats = decoder.apply(
            params["decoder"], stats["decoder"], y, **options, **seen.decoder, **told(views)
        )
        return y, z, {"encoder": encoder_stats, "decoder": decoder_stats}

    def observe(params: Tree, state: Tree, batch: dict, key: Key, step: Array) -> tuple[dict, Seen, Tree]:
        net_key, mask_key, criterion_key = jax.random.split(key, 3)
        views = encode.one_by_one(batch)
        seen = sight(params, state["stats"], views, mask_key)
        y, prediction, stats = predict(params, state["stats"], views, seen, train=True, key=net_key)
        targets = jax.lax.stop_gradient(target.of(views, y, state["target"]))
        _check(prediction, targets, target, views)
        facts = {"hidden": target.hidden(seen.hidden, views, targets)} if seen.told else {}
        pair = ({"patches": seen.compared(a)} for a in (prediction, targets))
        return y, Seen(*pair, encode.facts(batch) | facts, step, criterion_key), stats

    def init(key: Key, batch: dict) -> tuple[Tree, Tree]:
        encoder_key, decoder_key, rest = jax.random.split(key, 3)
        views = encode.one_by_one(batch)
        params, stats = {}, {}
        params["encoder"], stats["encoder"] = encoder.init(encoder_key, views)
        y, _ = encoder.apply(params["encoder"], stats["encoder"], views, train=False)
        params["decoder"], stats["decoder"] = decoder.init(decoder_key, y)
        state = {"stats": stats, "target": target.found(jax.random.fold_in(rest, 0), views)}
        rows, tokens = jax.eval_shape(target.of, views, y, state["target"]).shape[1], y["tokens"].shape[1]
        if rows != tokens:
            raise ValueError(f"the encoder has {tokens} patches an image and the target {rows}; use one size of patch")
        seen = jax.eval_shape(lambda p, s: observe(p, s, batch, rest, jnp.zeros((), jnp.int32))[1], params, state)
        params["criterion"], state["criterion"] = criterion.init(rest, seen._replace(key=rest))
        return params, state

    def loss(params: Tree, state: Tree, batch: dict, key: Key, step: Array) -> tuple[Array, Aux]:
        y, seen, stats = observe(params, state, batch, key, step)
        value, metrics = criterion.loss(params["criterion"], state["criterion"], seen)
        features = encode.of_first(y["pool"], batch)
        aux = Aux({"stats": stats, "seen": seen}, features, metrics)
        return value, jax.lax.stop_gradient(aux)

    def update(state: Tree, params: Tree, carry: Tree, step: Array) -> Tree:
        return {**state, "stats": carry["stats"], "criterion": criterion.update(state["criterion"], carry["seen"])}

    def draw(params: Tree, state: Tree, batch: dict, key: Key) -> dict:
        views = encode.one_by_one(batch)
        seen = sight(params, state["stats"], views, key)
        _, prediction, _ = predict(params, state["stats"], views, seen, train=False, key=None)
        hidden, painted = pixels.covered(seen.hidden, views), target.painted(prediction, views, state["target"])
        titles = ("image", "masked", "prediction", "both together")
        shown = (views, jnp.where(hidden, jnp.nan, views), painted, jnp.where(hidden, painted, views))
        return {"reconstruction": dict(zip(titles, shown, strict=True))}

    made = Method(init, loss, update, encode.embedder(encoder), {"encoder": encode.ENCODER}, target.passes)
    return made if target.painted is None else made._replace(draw=draw)


def _check(prediction: Array, targets: Array, target: Target, views: Array) -> None:
    """Raises ValueError unless a decoder predicts as many values of each patch as the target has, or classes."""
    wanted = (*targets.shape[:2], target.classes) if target.classes else targets.shape
    if prediction.shape != wanted:
        raise ValueError(
            f"the decoder predicts {prediction.shape[-1]} values a patch and the target has {wanted[-1]}: "
            f"give nets.decoder {target.fits(views, targets)}, as the others have"
        )
