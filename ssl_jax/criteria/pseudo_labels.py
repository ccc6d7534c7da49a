"""DeepCluster's criterion: clusters of the images are classes, for a linear layer that begins anew with them."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from ssl_jax.checks import ranges
from ssl_jax.criteria import assigned
from ssl_jax.losses import clustering
from ssl_jax.losses.precision import matmul, widen
from ssl_jax.state import bank
from ssl_jax.types import Array, Criterion, Examples, Key


class Pseudo(NamedTuple):
    """The state. labels: int32 [n], the cluster of each example, -1 where there is none. weights: [k], what an example
    of each cluster counts, 1 until there are any."""

    labels: Array
    weights: Array


def pseudo_labels(*, examples: Examples, clusters: int = 10000, components: int = 256) -> Criterion:
    """DeepCluster (arXiv:1807.05520, eq. 1; code): name the cluster of the image, of the features after a ReLU.

    student: [b, v, d], the features that are clustered, which are those before the ReLU; batch["index"]: its rows in a
    dataset of `examples`. Parameters: {"kernel": [d, k], "bias": [k]}, see `beginning`. components: of the features,
    in which they are clustered.

    The code draws images evenly from the clusters, with replacement, so that no large cluster makes up the loss. Here
    the step's number is the position in the data and each epoch has each image once, whatever the clusters are; so an
    image counts as often as it would be drawn, n / (clusters size) times: the mean is the same. A large cluster loses
    nothing by it; a small one has its images once an epoch with a large weight, not many times with other crops.

    0 until there are labels. Metrics as `assigned.named`. Raises ValueError for more clusters than examples, and `init`
    for more components than features.
    """
    ranges.above_zero(clusters=clusters, components=components)
    ranges.no_more_than_examples(examples, clusters=clusters)

    def init(key, seen):
        d = seen.student.shape[-1]
        if components > d:
            raise ValueError(f"components is {components} and the projector has {d} outputs; take {d} or fewer")
        params = beginning(key, d, clusters)
        labels = bank.unlabeled(examples)
        return params, Pseudo(labels, jnp.ones(clusters, params["bias"].dtype))

    def loss(params, state, seen):
        x = jax.nn.relu(widen(seen.student))
        logits = matmul(x, params["kernel"].astype(x.dtype)) + params["bias"].astype(x.dtype)[None, None]
        labels = bank.labels_at(state.labels, seen.batch["index"])
        weights = jax.lax.stop_gradient(state.weights).astype(x.dtype)
        return assigned.named([logits], labels[:, None], weights=weights)

    return Criterion(init, loss, lambda state, seen: state, (("labels", bank.BY_ROW),))


def beginning(key: Key, width: int, clusters: int) -> dict[str, Array]:
    """The layer as it is at first and after each clustering (code): normal numbers of std 0.01 and no bias."""
    kernel = 0.01 * jax.random.normal(key, (width, clusters))
    return {"kernel": kernel, "bias": jnp.zeros_like(kernel[0])}


def relabeled(labels: Array, *, clusters: int) -> Pseudo:
    """The state for labels int32 [n] of so many clusters, -1 where there is none."""
    return Pseudo(labels, clustering.evenly(labels, clusters=clusters))
