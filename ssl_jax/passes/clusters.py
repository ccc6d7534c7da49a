"""k-means of what a bank holds, as the codes of DeepCluster, PCL and Local Aggregation have it of faiss."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from ssl_jax.losses import blocks, clustering
from ssl_jax.losses.precision import widen
from ssl_jax.passes import lloyd, pieces
from ssl_jax.types import Array, Key


class Clusters(NamedTuple):
    """means: [k, d]. labels: int32 [n], the nearest, -1 for rows that do not count. distances: [n], from it."""

    means: Array
    labels: Array
    distances: Array


def of_rows(
    key: Key,
    rows: Array,
    valid: Array,
    *,
    clusters: int,
    iterations: int = 20,
    start: Array | None = None,
    scores_at_once: int = blocks.AT_ONCE,
) -> Clusters:
    """`iterations` steps of Lloyd's algorithm from random rows, then an assignment.

    rows: [n, d]; valid: bool [n], those that count. start: [clusters, d], in place of random rows. An empty cluster
    gets the row that is farthest from its mean (`lloyd.moved`), where faiss halves a large one. At most
    `scores_at_once` scores exist at a time.
    """
    rows, at_once = widen(rows), scores_at_once // clusters

    def step(_, means: Array) -> Array:
        join = lambda sums, part: (lloyd.joined(sums, means, *part), None)  # noqa: E731
        return lloyd.moved(pieces.over(join, lloyd.none(means), (rows, valid), at_once=at_once)[0], means)

    start = clustering.drawn(key, rows, valid, clusters=clusters) if start is None else start
    means = jax.lax.fori_loop(0, iterations, step, start)
    _, (labels, far) = pieces.over(lambda _, part: ((), lloyd.assigned(part, means)), (), rows, at_once=at_once)
    return Clusters(means, jnp.where(valid, labels, -1), jnp.sqrt(far))


def runs_of(
    key: Key,
    rows: Array,
    valid: Array,
    *,
    runs: int,
    clusters: int,
    iterations: int = 20,
    scores_at_once: int = blocks.AT_ONCE,
) -> Array:
    """The labels of so many runs of `of_rows`, each from other rows: int32 [n, runs]."""
    options = dict(clusters=clusters, iterations=iterations, scores_at_once=scores_at_once)
    return jax.lax.map(lambda key: of_rows(key, rows, valid, **options).labels, jax.random.split(key, runs)).T
