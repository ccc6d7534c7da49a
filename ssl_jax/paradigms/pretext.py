"""Transform the image, then name the transform: rotation prediction."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import optax

from ssl_jax.paradigms import encode
from ssl_jax.types import Array, Aux, Key, Method, Net, Tree


def pretext(encoder: Net, classifier: Net, task: Callable) -> Method:
    """task: images [b, v, h, w, c] -> (inputs [b, w, ...], labels int32 [b, w]); encoder -> classifier names the label.

    All transforms of a batch share one set of batch statistics; a batch of one transform would give it away.
    """
    nets = {"encoder": encoder, "classifier": classifier}

    def init(key: Key, batch: dict) -> tuple[Tree, Tree]:
        inputs, _ = task(encode.full_size(batch))
        params, stats = encode.init_chain(key, inputs[:, 0], **nets)
        return params, {"stats": stats}

    def loss(params: Tree, state: Tree, batch: dict, key: Key, step: Array) -> tuple[Array, Aux]:
        inputs, labels = task(encode.full_size(batch))
        stats = dict(state["stats"])
        args = (encode.joint, encoder, params["encoder"], stats["encoder"], [inputs])
        y, stats["encoder"] = encode.groups(*args, train=True, key=key)
        h = y["pool"]
        logits, stats["classifier"] = encode.joint(classifier, params["classifier"], stats["classifier"], h, train=True)
        value = optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()
        right = (logits.argmax(-1) == labels).astype(jnp.float32).mean()
        return value, jax.lax.stop_gradient(Aux({"stats": stats}, h[:, 0], {"pretext/top1": right}))

    def update(state: Tree, params: Tree, carry: Tree, step: Array) -> Tree:
        return carry

    return Method(init, loss, update, encode.embedder(encoder), {"encoder": encode.ENCODER})
