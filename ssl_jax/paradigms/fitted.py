"""Nothing is learned in steps: passes over the data find the weights of the encoder. PCA, k-means, also of patches."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from ssl_jax.losses.likelihood import squared_error
from ssl_jax.paradigms import encode
from ssl_jax.types import Array, Aux, Key, Method, Net, Pass, Place, Tree

ENCODER = Place("encoder", ("method_state", "encoder"), ("method_state", "stats", "encoder"))
"""Where the encoder lies: in the state, since no optimizer moves it."""


def from_mean(weights: Tree, images: Array) -> Array:
    """The squared distances [b] of images [b, h, w, c] from the mean of the batch."""
    return squared_error(jnp.broadcast_to(jnp.mean(images, 0), images.shape), images)


def fitted(
    encoder: Net,
    error: Callable,
    *,
    found: Callable,
    passes: tuple[Pass, ...],
    pictures: Callable | None = None,
    guess: Callable = from_mean,
) -> Method:
    """A method without parameters. Its loss is a measure that nothing follows, and a run of it may have no step.

    error: (weights of the encoder, images [b, h, w, c]) -> [b], what the features leave of each image unexplained
    found: (weights of the encoder) -> what else the passes find, as it is before them, under "found" in the state
    passes: put weights under "encoder" of the method state
    pictures: (weights of the encoder, images [b, h, w, c]) -> what `Method.draw` gives
    guess: `error` of whoever takes each image for the mean, or each part of it, logged as "mean_target"
    """

    embed = encode.embedder(encoder, place=ENCODER)

    def init(key: Key, batch: dict) -> tuple[Tree, Tree]:
        weights, stats = encoder.init(key, encode.full_size(batch)[:, 0])
        return {}, {"encoder": weights, "stats": {"encoder": stats}, "found": found(weights)}

    def loss(params: Tree, state: Tree, batch: dict, key: Key, step: Array) -> tuple[Array, Aux]:
        images = encode.full_size(batch)[:, 0]
        value, unseeing = (jnp.mean(of(state["encoder"], images)) for of in (error, guess))
        features = embed(params, state, {"image": images})["pool"]
        return jax.lax.stop_gradient((value, Aux({}, features, {"mean_target": unseeing})))

    def update(state: Tree, params: Tree, carry: Tree, step: Array) -> Tree:
        return state

    def draw(params: Tree, state: Tree, batch: dict, key: Key) -> dict:
        return pictures(state["encoder"], encode.full_size(batch)[:, 0])

    return Method(init, loss, update, embed, {"encoder": ENCODER}, passes, draw=draw if pictures else None)
