"""Hide patches, encode the rest, predict what was hidden: MAE."""

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
    patch: int,
    mask: Callable,
    target: Callable[[Array], Array],
) -> Method:
    """The encoder sees the kept patches alone; the decoder gets them back in place and predicts the target.

    patch: pixels of a patch's side. mask: (key, b, l) -> Mask. target: images [b, h, w, c] -> [b, l, p], one row a
    patch in the order of the tokens. criterion: it sees the hidden "patches" [b v, m, p], prediction and target.
    """

    def predict(params: Tree, stats: Tree, images: Array, hidden: masks.Mask, key: Key | None):
        y, encoder_stats = encoder.apply(
            params["encoder"], stats["encoder"], images, train=True, key=key, keep=hidden.keep
        )
        grid = (images.shape[1] // patch, images.shape[2] // patch)
        z, decoder_stats = decoder.apply(
            params["decoder"], stats["decoder"], y, train=True, key=key, grid=grid, keep=hidden.keep
        )
        return y, z, {"encoder": encoder_stats, "decoder": decoder_stats}

    def views(batch: dict) -> Array:
        groups = encode.full_size(batch)  # [b, v, h, w, c]: each view is an image of its own
        return groups.reshape(-1, *groups.shape[2:])

    def observe(params: Tree, stats: Tree, batch: dict, key: Key, step: Array) -> tuple[dict, Seen, Tree]:
        net_key, mask_key, criterion_key = jax.random.split(key, 3)
        images = views(batch)
        targets = jax.lax.stop_gradient(target(images))
        hidden = mask(mask_key, *targets.shape[:2])
        y, prediction, stats = predict(params, stats, images, hidden, net_key)
        if prediction.shape != targets.shape:
            raise ValueError(
                f"the decoder predicts {prediction.shape[-1]} values a patch and the target has {targets.shape[-1]}: "
                f"give nets.decoder patch={patch} and channels={images.shape[-1]}, as the method and the images have"
            )
        pair = ({"patches": masks.take(a, hidden.hide)} for a in (prediction, targets))
        return y, Seen(*pair, encode.facts(batch), step, criterion_key), stats

    def init(key: Key, batch: dict) -> tuple[Tree, Tree]:
        encoder_key, decoder_key, rest = jax.random.split(key, 3)
        images = views(batch)
        params, stats = {}, {}
        params["encoder"], stats["encoder"] = encoder.init(encoder_key, images)
        y, _ = encoder.apply(params["encoder"], stats["encoder"], images, train=False)
        params["decoder"], stats["decoder"] = decoder.init(decoder_key, y)
        rows, tokens = jax.eval_shape(target, images).shape[1], y["tokens"].shape[1]
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
