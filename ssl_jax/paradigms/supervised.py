"""Learn the classes: from scratch, as a reference, or from a pre-trained encoder, which is fine-tuning."""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp

from ssl_jax.losses.precision import widen
from ssl_jax.paradigms import encode
from ssl_jax.tasks import mixing
from ssl_jax.types import Array, Aux, Key, Method, Net, Tree


def supervised(encoder: Net, classifier: Net, *, mix: Callable, smoothing: float) -> Method:
    """Cross-entropy of the classifier's logits on the encoder's pool; every view is an image. `embed` adds "logits".

    mix: (key, images, targets [n, k]) -> both, mixed. smoothing: of the targets. Examples without a label (-1) count
    nothing, alone or as what others are mixed with. Raises ValueError for data without labels, and for a label that the
    classifier does not know.
    """

    def answered(params: Tree, stats: Tree, images: Array, *, train: bool, key: Key | None = None):
        y, own = encoder.apply(params["encoder"], stats["encoder"], images, train=train, key=key)
        logits, head = classifier.apply(params["classifier"], stats["classifier"], y["pool"], train=train)
        return y, logits, {"encoder": own, "classifier": head}

    def views(batch: dict) -> tuple[Array, Array]:
        if "label" not in batch:
            raise ValueError("this loss reads the classes of images, and the data has none; take labeled data")
        return encode.one_by_one(batch), jnp.repeat(batch["label"], encode.full_size(batch).shape[1])

    def init(key: Key, batch: dict) -> tuple[Tree, Tree]:
        params, stats = encode.init_chain(key, views(batch)[0], encoder=encoder, classifier=classifier)
        return params, {"stats": stats}

    def loss(params: Tree, state: Tree, batch: dict, key: Key, step: Array) -> tuple[Array, Aux]:
        net_key, mix_key = jax.random.split(key)
        images, labels = views(batch)
        logits = jax.eval_shape(functools.partial(answered, train=False), params, state["stats"], images)[1]
        targets = mixing.smoothed(labels, logits.shape[-1], smoothing) * (labels >= 0)[:, None].astype(jnp.float32)
        shown, targets = mix(mix_key, images, targets)
        y, logits, stats = answered(params, state["stats"], shown, train=True, key=net_key)
        log_p = jax.nn.log_softmax(widen(logits), -1)
        targets = targets.astype(log_p.dtype)
        weight = jnp.maximum(jnp.sum(targets), 1e-6)
        value = -jnp.sum(targets * log_p) / weight
        right = jnp.take_along_axis(targets, logits.argmax(-1)[:, None], 1)
        metrics = {"classifier/top1": jnp.sum(right) / weight}
        features = encode.of_first(y["pool"], batch)
        return value, jax.lax.stop_gradient(Aux({"stats": stats}, features, metrics))

    def update(state: Tree, params: Tree, carry: Tree, step: Array) -> Tree:
        return carry

    def embed(params: Tree, state: Tree, inputs: dict) -> dict:
        (images,) = inputs.values()
        y, logits, _ = answered(params, state["stats"], images, train=False)
        return {**y, "logits": logits}

    return Method(init, loss, update, embed, {"encoder": encode.ENCODER})
