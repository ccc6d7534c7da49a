"""Through a grid of codes and back to the image, the codes drawn so that gradients pass: a discrete VAE."""

import jax
import jax.numpy as jnp

from ssl_jax.losses import categorical, codes
from ssl_jax.paradigms import encode
from ssl_jax.types import Array, Aux, Key, Method, Net, Schedule, Tree


def discrete_autoencoding(encoder: Net, decoder: Net, *, temperature: Schedule, kl_weight: Schedule) -> Method:
    """The encoder gives "logits" [b, h', w', k]; the decoder makes images [b, h, w, c] of shares of codes.

    In training the shares are relaxed draws at `temperature`; pictures are of the most probable codes. The loss is the
    squared error plus kl_weight times the divergence of all places from the uniform, over the numbers of an image.
    Metrics: "error", the mean squared error of the relaxed draws, and "mean_image", that of the batch's mean;
    "divergence", of a place in nats; "codes/entropy", of the most probable codes of the batch: exp of it are in use.
    """

    def init(key: Key, batch: dict) -> tuple[Tree, Tree]:
        keys, images, params, stats = jax.random.split(key), encode.one_by_one(batch), {}, {}
        params["encoder"], stats["encoder"] = encoder.init(keys[0], images)
        y = jax.eval_shape(
            lambda p, s: encoder.apply(p, s, images, train=False)[0], params["encoder"], stats["encoder"]
        )
        if "logits" not in y:
            raise ValueError(f"the method draws codes, and nets.encoder gives {', '.join(sorted(y))}: no logits")
        shares = jnp.zeros(y["logits"].shape, y["logits"].dtype)
        params["decoder"], stats["decoder"] = decoder.init(keys[1], shares)
        made = jax.eval_shape(
            lambda p, s: decoder.apply(p, s, shares, train=False)[0], params["decoder"], stats["decoder"]
        )
        if made.shape != images.shape:
            raise ValueError(
                f"the decoder makes images of {list(made.shape[1:])} and is compared with {list(images.shape[1:])}: "
                "give nets.decoder the groups of the encoder and the channels of the images"
            )
        return params, {"stats": stats}

    def loss(params: Tree, state: Tree, batch: dict, key: Key, step: Array) -> tuple[Array, Aux]:
        noise_key, *keys = jax.random.split(key, 3)
        images, stats = encode.one_by_one(batch), {}
        y, stats["encoder"] = encoder.apply(
            params["encoder"], state["stats"]["encoder"], images, train=True, key=keys[0]
        )
        logits = y["logits"]
        noise = jax.random.gumbel(noise_key, logits.shape, logits.dtype)
        shares = categorical.relaxed(logits, noise, temperature(step))
        made, stats["decoder"] = decoder.apply(
            params["decoder"], state["stats"]["decoder"], shares, train=True, key=keys[1]
        )
        error, divergence = jnp.mean((made - images.astype(made.dtype)) ** 2), categorical.from_uniform(logits)
        weight = jnp.asarray(kl_weight(step), divergence.dtype)
        value = error + weight * jnp.sum(divergence) / images.size
        named = jnp.argmax(logits, -1)
        metrics = {
            "error": error,
            "mean_image": jnp.mean(jnp.var(images.astype(error.dtype), 0)),
            "divergence": jnp.mean(divergence),
            "codes/entropy": codes.entropy(named, logits.shape[-1]),
        }
        features = encode.of_first(y["pool"], batch)
        return value, jax.lax.stop_gradient(Aux({"stats": stats}, features, metrics))

    def update(state: Tree, params: Tree, carry: Tree, step: Array) -> Tree:
        return carry

    def draw(params: Tree, state: Tree, batch: dict, key: Key) -> dict:
        images, stats = encode.one_by_one(batch), state["stats"]
        y, _ = encoder.apply(params["encoder"], stats["encoder"], images, train=False)
        shares = jax.nn.one_hot(jnp.argmax(y["logits"], -1), y["logits"].shape[-1], dtype=y["logits"].dtype)
        made, _ = decoder.apply(params["decoder"], stats["decoder"], shares, train=False)
        return {"reconstruction": {"input": images, "reconstruction": made}}

    return Method(init, loss, update, encode.embedder(encoder), {"encoder": encode.ENCODER}, draw=draw)
