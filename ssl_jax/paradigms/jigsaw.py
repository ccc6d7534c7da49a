"""Method -> Method: pieces of an image, put together by a head, find what the whole image finds: PIRL, InfoMin."""

import jax
import jax.numpy as jnp

from ssl_jax.paradigms import encode
from ssl_jax.types import Array, Aux, Criterion, Key, Method, Net, Tree

GROUP, HEAD = "patches", "jigsaw_projector"


def with_jigsaw(method: Method, encoder: Net, head: Net, criterion: Criterion, *, weight: float) -> Method:
    """The method, of which the criterion also sees the pieces in place of the student's projection.

    method: one of `joint_embedding` or `self_distillation` with this encoder and this criterion. head: features of the
    pieces [b, p, d], in the order of the batch's views "patches" -> [b, out]. weight: of the pieces' loss, 0..1; the
    method's own has the rest of 1. Pieces have batch statistics of their own. They are compared with the same teacher,
    rows of the bank or queue, and negatives as the image, none of which ever learns from them: `update` sees the image
    alone. Metrics gain "image/loss" and, as "jigsaw/...", the criterion's of the pieces.
    """

    def init(key: Key, batch: dict) -> tuple[Tree, Tree]:
        own, head_key = jax.random.split(key)
        params, state = method.init(own, batch)
        args = (params["encoder"], state["stats"]["encoder"], _pieces(batch))
        y, _ = jax.eval_shape(lambda p, s, x: encode.joint(encoder, p, s, x, train=True), *args)
        learned, stats = head.init(head_key, jnp.zeros(y["pool"].shape, y["pool"].dtype))
        return {**params, HEAD: learned}, {**state, "stats": {**state["stats"], HEAD: stats}}

    def loss(params: Tree, state: Tree, batch: dict, key: Key, step: Array) -> tuple[Array, Aux]:
        own, pieces_key = jax.random.split(key)
        value, aux = method.loss(params, state, batch, own, step)
        stats = {**state["stats"], **aux.carry["stats"]}
        args = (encoder, params["encoder"], stats["encoder"], _pieces(batch))
        y, stats["encoder"] = encode.joint(*args, train=True, key=pieces_key)
        z, stats[HEAD] = head.apply(params[HEAD], stats[HEAD], y["pool"], train=True)
        seen = aux.carry["seen"]._replace(student={encode.SAID["projector"]: z[:, None]})
        found, more = criterion.loss(params["criterion"], state["criterion"], seen)
        more = {"image/loss": value, "jigsaw/loss": found, **{f"jigsaw/{name}": m for name, m in more.items()}}
        aux = aux._replace(carry={**aux.carry, "stats": stats}, metrics={**aux.metrics, **more})
        return (1 - weight) * value + weight * found, jax.lax.stop_gradient(aux)

    return method._replace(init=init, loss=loss)


def _pieces(batch: dict) -> Array:
    """The views of the pieces. Raises ValueError where the batch has none."""
    if GROUP not in batch:
        raise ValueError(f"the method wants views of group '{GROUP}', the recipe makes only {sorted(batch)}")
    return batch[GROUP]
