"""PCL's criterion: clusters of momentum features are prototypes, each with a temperature of its own."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from ssl_jax.checks import ranges
from ssl_jax.losses import clustering, contrastive
from ssl_jax.losses.precision import wide
from ssl_jax.state import bank
from ssl_jax.types import Array, Criterion, Examples, Key


class Prototypes(NamedTuple):
    """The state: n example of the dataset and padding, m clustering, k cluster, which differs from m to m.

    labels: int32 [n, m], -1 where there is none. centroids: of each clustering [k, d], unit. concentration: [k].
    """

    labels: Array
    centroids: tuple[Array, ...]
    concentration: tuple[Array, ...]


def prototypes(
    *,
    examples: Examples,
    clusters: tuple[int, ...] = (25000, 50000, 100000),
    negatives: int = 16384,
    temperature: float = 0.2,
) -> Criterion:
    """ProtoNCE's second part (arXiv:2005.04966, eq. 11): the student's first view finds its prototype; a mean over m.

    student: [b, v, d], any norm; index: its rows in a dataset of `examples`. Candidates are the prototypes of the batch
    and `negatives` random ones that are none of these, or as many as there are. 0 until the first `recluster`. Raises
    ValueError for more clusters than examples.
    """
    ranges.above_zero(negatives=negatives, temperature=temperature, clusters=min(clusters, default=0))
    ranges.no_more_than_examples(examples, clusters=max(clusters))

    def init(key, seen):
        d, dtype = seen.student.shape[-1], wide(seen.student.dtype)
        keys = jax.random.split(key, len(clusters))
        centers = (contrastive.unit(jax.random.normal(a, (k, d), dtype)) for a, k in zip(keys, clusters, strict=True))
        labels = bank.unlabeled(examples, len(clusters))
        return {}, Prototypes(labels, tuple(centers), tuple(jnp.full(k, temperature, dtype) for k in clusters))

    def loss(params, state, seen):
        labels = bank.labels_at(state.labels, seen.batch["index"])  # [b, m]
        held = jax.lax.stop_gradient((state.centroids, state.concentration))
        values = []
        for m, (centers, concentration) in enumerate(zip(*held, strict=True)):
            key, mine = jax.random.fold_in(seen.key, m), labels[:, m]
            others, real = _others(key, mine, len(centers), min(negatives, len(centers)))
            values.append(clustering.proto_nce(seen.student[:, 0], mine, centers, concentration, others, real))
        return sum(values) / len(values), {"labeled": jnp.mean(labels >= 0)}

    return Criterion(init, loss, lambda state, seen: state, (("labels", bank.BY_ROW),))


def _others(key: Key, labels: Array, clusters: int, count: int) -> tuple[Array, Array]:
    """Random prototypes that are none of the labels: int [r], and which of them are so, bool [r]."""
    taken = jnp.zeros(clusters, bool).at[jnp.where(labels >= 0, labels, clusters)].set(True, mode="drop")
    score, chosen = jax.lax.top_k(jnp.where(taken, -1, jax.random.uniform(key, (clusters,))), count)
    return chosen, score >= 0


def recluster(
    key: Key, state: Prototypes, rows: bank.Bank, *, cluster: Callable, temperature: float, iterations: int
) -> Prototypes:
    """New prototypes from k-means of unit rows [n, d], for each of the numbers of clusters.

    cluster: (key, rows, valid bool [n], clusters=, iterations=) -> means [k, d], labels int [n], -1 where not valid,
    and distances [n] from the means. Where the paper's code keeps the best of 5 runs, this makes one.
    """
    labels, centroids, concentration = [], [], []
    for m, old in enumerate(state.centroids):
        own, k = jax.random.fold_in(key, m), len(old)
        means, label, far = cluster(own, rows.rows, rows.written, clusters=k, iterations=iterations)
        labels.append(label)
        centroids.append(contrastive.unit(means))
        concentration.append(clustering.concentrations(far, label, clusters=k, temperature=temperature))
    return Prototypes(jnp.stack(labels, 1), tuple(centroids), tuple(concentration))
