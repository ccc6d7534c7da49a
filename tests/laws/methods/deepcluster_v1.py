"""One view; four clusters of five components, of what an MLP makes of the encoder's features."""

import jax.numpy as jnp

from ssl_jax.criteria import pseudo_labels
from ssl_jax.losses.precision import matmul
from ssl_jax.methods.deepcluster_v1 import deepcluster_v1
from ssl_jax.nets import heads, resnet
from ssl_jax.paradigms import encode
from ssl_jax.passes import features, renewal, times
from ssl_jax.types import Method
from tests.laws import real

ARGUMENTS = {"clusters": 4, "components": 5, "iterations": 3}
GROUPS = {"global": (1, 16)}


def learns(examples: int) -> Method:
    encoder = resnet.resnet(depth=(1, 1, 1), base=8, stem="half", zero_init=False)
    made = deepcluster_v1(encoder, heads.identity(), examples=examples, clusters=64, components=16, iterations=5)
    return real.fed(made, real.images("train", examples))


def controls(encoder, projector, predictor) -> dict:
    def whole():
        made = deepcluster_v1(encoder, projector, examples=1024, clusters=16, components=16, iterations=5)
        return real.fed(made, real.images("train", 1024))

    def by_the_layer() -> Method:
        """Labels are what the layer says itself, which goes on, and all images count alike."""

        def finish(state, found, key):
            layer, held = state.params["criterion"], renewal.held(state)
            scores = matmul(jnp.maximum(found.rows, 0), layer["kernel"]) + layer["bias"][None]
            labels = pseudo_labels.Pseudo(jnp.argmax(scores, 1).astype(jnp.int32), jnp.ones_like(held.weights))
            return renewal.with_held(state, labels)

        row_of = lambda state: state.params["criterion"]["kernel"].T  # noqa: E731
        options = dict(examples=1024, due=times.each_epoch(), kept=features.as_they_are)
        one = features.collecting(encode.studied(encoder, projector), row_of, finish, **options)
        made = deepcluster_v1(encoder, projector, examples=1024, clusters=16, components=16)
        return real.fed(made._replace(passes=(one,)), real.images("train", 1024))

    return {"k-means": (whole, by_the_layer, "labels")}
