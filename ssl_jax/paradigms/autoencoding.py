"""Through a narrow code and back to the image: autoencoders, of clean or corrupted images, with a point or a draw."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from ssl_jax.losses.likelihood import squared_error
from ssl_jax.paradigms import bottleneck as narrow
from ssl_jax.paradigms import encode
from ssl_jax.tasks import latents
from ssl_jax.types import Array, Aux, Key, Method, Net, Tree

ACTIVE = 0.01
"""The variance of a mean over the images, above which a unit of the code is active (arXiv:1509.00519, appendix C)."""


def autoencoding(
    encoder: Net,
    bottleneck: Net,
    decoder: Net,
    *,
    error: Callable[[Array, Array], Array],
    latent: Callable[[Array, Key | None], latents.Latent] = latents.point,
    weight: float = 1.0,
    corrupt: Callable[[Key, Array], Array] | None = None,
    image: Callable[[Array], Array] = lambda y: y,
) -> Method:
    """The mean over images of error + weight * divergence; with every view an image of its own.

    error: (the decoder's output [b, h, w, c], the clean images) -> [b]. latent: (the bottleneck's output [b, k], key)
    -> `latents.Latent`. corrupt: (key, images) -> what the encoder is shown in training, anew each time; the target is
    clean. image: the decoder's output as an image.
    `embed` adds "latent" [b, k], the mean and never a draw, to the encoder's output. Metrics: "error", the squared
    error of an image, the sum over its numbers, and "mean_image", what it is if each is taken for the mean of the
    batch; with a divergence it, and "active", the units that say something.
    """
    coder = narrow.coder(encoder, bottleneck)

    def through(params: Tree, stats: Tree, images: Array, keys: tuple, *, train: bool):
        net_key, latent_key = keys
        y, new = coder.apply(params, stats, images, train=train, key=net_key)
        code = latent(y["code"], latent_key)
        made, own = decoder.apply(params["decoder"], stats["decoder"], code.drawn, train=train, key=net_key)
        return y, code, made, {**new, "decoder": own}

    def init(key: Key, batch: dict) -> tuple[Tree, Tree]:
        keys, images = jax.random.split(key), encode.one_by_one(batch)
        params, stats = coder.init(keys[0], images)
        code = jax.eval_shape(
            lambda p, s: latent(coder.apply(p, s, images, train=False)[0]["code"], None), params, stats
        )
        params["decoder"], stats["decoder"] = decoder.init(keys[1], jnp.zeros(code.mean.shape, code.mean.dtype))
        made = jax.eval_shape(lambda p, s: through(p, s, images, (None, None), train=False)[2], params, stats)
        narrow.same_shape(made, images, "decoder")
        return params, {"stats": stats}

    def loss(params: Tree, state: Tree, batch: dict, key: Key, step: Array) -> tuple[Array, Aux]:
        corrupt_key, *keys = jax.random.split(key, 3)
        images = encode.one_by_one(batch)
        shown = corrupt(corrupt_key, images) if corrupt else images
        y, code, made, stats = through(params, state["stats"], shown, keys, train=True)
        value, mean = jnp.mean(error(made, images)), jnp.mean(images, 0, keepdims=True)
        metrics = {
            "error": jnp.mean(squared_error(image(made), images)),
            "mean_image": jnp.mean(squared_error(jnp.broadcast_to(mean, images.shape), images)),
        }
        if code.divergence is not None:
            divergence = jnp.mean(code.divergence)
            value += weight * divergence
            metrics |= {
                "divergence": divergence,
                "active": jnp.sum((jnp.var(code.mean, 0) > ACTIVE).astype(value.dtype)),
            }
        return value, jax.lax.stop_gradient(Aux({"stats": stats}, encode.of_first(y["pool"], batch), metrics))

    def update(state: Tree, params: Tree, carry: Tree, step: Array) -> Tree:
        return carry

    def embed(params: Tree, state: Tree, inputs: dict) -> dict:
        y, _ = coder.apply(params, state["stats"], narrow.only(inputs), train=False)
        code = y.pop("code")
        return {**y, "latent": latent(code, None).mean}

    def draw(params: Tree, state: Tree, batch: dict, key: Key) -> dict:
        corrupt_key, sample_key = jax.random.split(key)
        images = encode.one_by_one(batch)
        shown = corrupt(corrupt_key, images) if corrupt else images
        _, code, made, _ = through(params, state["stats"], shown, (None, None), train=False)
        rows = {"input": images, **({"corrupted": shown} if corrupt else {}), "reconstruction": image(made)}
        if code.divergence is not None:
            z = jax.random.normal(sample_key, code.mean.shape, code.mean.dtype)
            rows["sample"] = image(decoder.apply(params["decoder"], state["stats"]["decoder"], z, train=False)[0])
        return {"reconstruction": rows}

    return Method(init, loss, update, embed, {"encoder": encode.ENCODER}, draw=draw)
