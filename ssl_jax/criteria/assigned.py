"""DeepCluster-v2's criterion: clusters of the last epoch are the labels of this one."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from ssl_jax import monitors
from ssl_jax.checks import ranges
from ssl_jax.losses import blocks, clustering, contrastive
from ssl_jax.losses.precision import matmul, wide
from ssl_jax.state import bank
from ssl_jax.types import Array, Criterion, Examples, Key, Metrics


class Assigned(NamedTuple):
    """The state. n example of the dataset and padding, w global crop, m head, k cluster.

    bank: rows [n, w, d], the unit features last seen. labels: int32 [n, m], -1 where there is none.
    centroids: [m, k, d], unit, never trained.
    """

    bank: bank.Bank
    labels: Array
    centroids: Array


def assigned(*, examples: Examples, heads: int = 3, centroids: int = 3000, temperature: float = 0.1) -> Criterion:
    """DeepCluster-v2 (arXiv:2006.09882, appendix; code): name the cluster of the example, from every crop.

    student: [b, v, d], any norm; batch["index"]: its rows in a dataset of `examples`; of the teacher only the number of
    views w is read, the first w being the crops that are kept in the bank. A mean over the heads of the mean over
    labeled examples and crops; 0 until the first `recluster`.
    """
    ranges.above_zero(heads=heads, centroids=centroids, temperature=temperature)
    ranges.at_most(1000, heads=heads)

    def init(key, seen):
        d, w = seen.student.shape[-1], seen.teacher.shape[1]
        dtype = wide(seen.student.dtype)
        labels = bank.unlabeled(examples, heads)
        centers = contrastive.unit(jax.random.normal(key, (heads, centroids, d), dtype))
        return {}, Assigned(bank.init(examples, (w, d), dtype=dtype), labels, centers)

    def loss(params, state, seen):
        z = contrastive.unit(seen.student)
        centers = jax.lax.stop_gradient(state.centroids)
        labels = bank.labels_at(state.labels, seen.batch["index"])  # [b, m]
        return named([matmul(z, centers[m].T) / temperature for m in range(heads)], labels)

    def update(state, seen):
        z = contrastive.unit(seen.student[:, : seen.teacher.shape[1]])
        return state._replace(bank=bank.write(state.bank, seen.batch["index"], z))

    return Criterion(init, loss, update, (("bank/", bank.BY_ROW), ("labels", bank.BY_ROW)))


def named(logits: list[Array], labels: Array, *, weights: Array | None = None) -> tuple[Array, Metrics]:
    """The mean over the heads of the cross-entropy of each with its own labels, from every crop.

    logits: of each head [b, v, k]; labels: int [b, m], -1 where there is none; weights: see `clustering.labeled`.
    Metrics: "clusters/accuracy", "clusters/labeled", "prototypes/used".
    """
    heads = len(logits)
    labels = jnp.broadcast_to(labels[:, None], (*logits[0].shape[:2], heads))
    value = sum(clustering.labeled(logits[m], labels[..., m], weights=weights) for m in range(heads)) / heads
    hits = [jnp.argmax(logits[m], -1).astype(jnp.int32) == labels[..., m] for m in range(heads)]
    hits, known = jnp.sum(jnp.stack(hits)), jnp.sum(labels >= 0)
    return value, {
        "clusters/accuracy": hits / jnp.maximum(known, 1),
        "clusters/labeled": jnp.mean(labels >= 0),
        "prototypes/used": sum(monitors.used(scores) for scores in logits) / heads,
    }


def recluster(key: Key, state: Assigned, *, iterations: int = 10, scores_at_once: int = blocks.AT_ONCE) -> Assigned:
    """New centroids and labels by spherical k-means of the bank; head m clusters crop m mod w.

    Only rows that were written count, and only they get labels. With none written nothing changes but the labels,
    which are -1. At most `scores_at_once` scores of rows with centroids exist at a time.
    """
    heads, clusters, _ = state.centroids.shape
    rows, written = state.bank

    def cluster(m):
        crop = rows[:, m % rows.shape[1]]
        options = dict(clusters=clusters, iterations=iterations, scores_at_once=scores_at_once)
        return clustering.kmeans(jax.random.fold_in(key, m), crop, written, **options)

    centers, labels = jax.lax.map(cluster, jnp.arange(heads, dtype=jnp.int32))
    return Assigned(state.bank, labels.T, jnp.where(jnp.any(written), centers, state.centroids))
