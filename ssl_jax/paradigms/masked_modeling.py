"""Hide patches, encode the rest, predict what was hidden: MAE, Point-MAE."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from ssl_jax.paradigms import encode
from ssl_jax.tasks import masks
from ssl_jax.types import Array, Aux, Criterion, Key, Method, Net, Seen, Tree


def masked_modeling(
    encoder: Net,
    decoder: Net,
    criterion: Criterion,
    *,
    mask: Callable,
    target: Callable[[Array, dict], Array],
    fitting: Callable[[Array, Array], str],
    told: Callable[[Array], dict] = lambda views: {},
) -> Method:
    """The encoder sees the kept patches alone; the decoder gets them back in place and predicts the target.

    mask: (key, b, l) -> Mask. target: (views [b, ...], the encoder's output) -> [b, l, p], one row a patch in the order
    of the tokens, also of patches that the encoder has not seen. fitting: (views, target) -> options of a decoder for
    it, in words. told: views -> further options of its call.
    criterion: it sees the hidden "patches" [b v, m, p], prediction and target.
    """

    def predict(params: Tree, stats: Tree, views: Array, hidden: masks.Mask, key: Key | None):
        y, encoder_stats = encoder.apply(
            params["encoder"], stats["encoder"], views, train=True, key=key, keep=hidden.keep
        )
        z, decoder_stats = decoder.apply(
            params["decoder"], stats["decoder"], y, train=True, key=key, keep=hidden.keep, **told(views)
        )
        return y, z, {"encoder": encoder_stats, "decoder": decoder_stats}

    def length(params: Tree, stats: Tree, views: Array) -> int:
        return encode.places_like(encoder, params["encoder"], stats["encoder"], views).shape[1]

    def views(batch: dict) -> Array:
        groups = encode.full_size(batch)  # [b, v, ...]: each view is an example of its own
        return groups.reshape(-1, *groups.shape[2:])

    def observe(params: Tree, stats: Tree, batch: dict, key: Key, step: Array) -> tuple[dict, Seen, Tree]:
        net_key, mask_key, criterion_key = jax.random.split(key, 3)
        shown = views(batch)
        hidden = mask(mask_key, len(shown), length(params, stats, shown))
        y, prediction, stats = predict(params, stats, shown, hidden, net_key)
        targets = jax.lax.stop_gradient(target(shown, y))
        if prediction.shape != targets.shape:
            raise ValueError(
                f"the decoder predicts {prediction.shape[-1]} values a patch and the target has {targets.shape[-1]}: "
                f"give nets.decoder {fitting(shown, targets)}, as the others have"
            )
        pair = ({"patches": masks.take(a, hidden.hide)} for a in (prediction, targets))
        return y, Seen(*pair, encode.facts(batch), step, criterion_key), stats

    def init(key: Key, batch: dict) -> tuple[Tree, Tree]:
        encoder_key, decoder_key, rest = jax.random.split(key, 3)
        shown = views(batch)
        params, stats = {}, {}
        params["encoder"], stats["encoder"] = encoder.init(encoder_key, shown)
        y, _ = encoder.apply(params["encoder"], stats["encoder"], shown, train=False)
        params["decoder"], stats["decoder"] = decoder.init(decoder_key, y)
        rows, tokens = jax.eval_shape(target, shown, y).shape[1], y["tokens"].shape[1]
        if rows != tokens:
            raise ValueError(f"the encoder has {tokens} patches an image and the target {rows}; use one size of patch")
        seen = jax.eval_shape(lambda p, s: observe(p, s, batch, rest, jnp.zeros((), jnp.int32))[1], params, stats)
        params["criterion"], state = criterion.init(rest, seen._replace(key=rest))
        return params, {"stats": stats, "criterion": state}

    def loss(params: Tree, state: Tree, batch: dict, key: Key, step: Array) -> tuple[Array, Aux]:
        y, seen, stats = observe(params, state["stats"], batch, key, step)
        value, metrics = criterion.loss(params["criterion"], state["criterion"], seen)
        features = y["pool"].reshape(*batch["index"].shape, -1, y["pool"].shape[-1])[:, 0]
        aux = Aux({"stats": stats, "seen": seen}, features, metrics)
        return value, jax.lax.stop_gradient(aux)

    def update(state: Tree, params: Tree, carry: Tree, step: Array) -> Tree:
        return {"stats": carry["stats"], "criterion": criterion.update(state["criterion"], carry["seen"])}

    return Method(init, loss, update, encode.embedder(encoder), {"encoder": encode.ENCODER})
