"""One view; four clusters of five components, of what an MLP makes of the encoder's features."""

import jax
import jax.numpy as jnp

from ssl_jax.criteria import lenses, pseudo_labels
from ssl_jax.losses.precision import matmul
from ssl_jax.methods.deepcluster_v1 import deepcluster_v1
from ssl_jax.nets import heads, resnet
from ssl_jax.paradigms.joint_embedding import joint_embedding
from ssl_jax.types import Criterion, Method
from tests.laws import real

ARGUMENTS = {"clusters": 4, "components": 5, "iterations": 3}
GROUPS = {"global": (1, 16)}


def learns(examples: int) -> Method:
    encoder = resnet.resnet(depth=(1, 1, 1), base=8, stem="half", zero_init=False)
    made = deepcluster_v1(encoder, heads.identity(), examples=examples, clusters=64, components=16, iterations=5)
    return real.fed(made, real.images("train", examples))


def by_itself() -> Criterion:
    """The layer learns what it says already, of the image's first view, in place of k-means."""
    made = pseudo_labels.pseudo_labels(examples=1024, clusters=16, components=16)

    def loss(params, state, seen):
        x = jax.nn.relu(jax.lax.stop_gradient(seen.student[:, 0]))
        said = jnp.argmax(matmul(x, params["kernel"]) + params["bias"][None], -1).astype(jnp.int32)
        return made.loss(params, state._replace(labels=state.labels.at[seen.batch["index"]].set(said)), seen)

    return Criterion(made.init, loss, made.update)


def controls(encoder, projector, predictor) -> dict:
    def whole():
        made = deepcluster_v1(encoder, projector, examples=1024, clusters=16, components=16, iterations=5)
        return real.fed(made, real.images("train", 1024))

    def without():
        return joint_embedding(encoder, projector, lenses.at(by_itself(), name="projection"))

    return {"k-means": (whole, without, "classes")}
