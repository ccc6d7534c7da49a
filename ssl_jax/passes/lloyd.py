"""k-means of rows that come in batches: one step of Lloyd's algorithm a pass (Lloyd 1982)."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from ssl_jax.checks import ranges
from ssl_jax.losses.precision import matmul
from ssl_jax.passes import rows as plain
from ssl_jax.types import Array, Pass

SPARE = 64
"""Clusters, at most, that a step fills again; others that are empty keep their centroids until the next."""


class Sums(NamedTuple):
    """k cluster, m row of the farthest from their centroids. inertia: the sum of squared distances.

    total: [k, d]. size: [k]. far: squared distances [m], -1 where there is no row yet. rows: [m, d]. label: [m].
    """

    inertia: Array
    total: Array
    size: Array
    far: Array
    rows: Array
    label: Array


def none(centroids: Array) -> Sums:
    """The sums of no row, for centroids [k, d]."""
    k, d = centroids.shape
    m, dtype = min(k, SPARE), centroids.dtype
    far = jnp.full(m, -1, dtype), jnp.zeros((m, d), dtype), jnp.zeros(m, jnp.int32)
    return Sums(jnp.zeros((), dtype), jnp.zeros((k, d), dtype), jnp.zeros(k, dtype), *far)


def assigned(rows: Array, centroids: Array) -> tuple[Array, Array]:
    """The nearest centroid [k, d] of each row [b, d], int32 [b], ties to the first, and the squared distance [b]."""
    scores = jnp.sum(centroids**2, 1)[None] - 2 * matmul(rows, centroids.T)
    label = jnp.argmin(scores, 1).astype(jnp.int32)
    return label, jnp.sum((rows - centroids[label]) ** 2, 1)


def joined(sums: Sums, centroids: Array, rows: Array, real: Array) -> Sums:
    """With rows [b, d], of which those count that are `real` bool [b]."""
    label, distance = assigned(rows, centroids)
    # A product, not a scatter-add: the order of a GPU's atomic sums differs from run to run.
    member = jax.nn.one_hot(label, len(centroids), dtype=rows.dtype) * real[:, None].astype(rows.dtype)
    far, place = jax.lax.top_k(jnp.concatenate([sums.far, jnp.where(real, distance, -1)]), len(sums.far))
    return Sums(
        sums.inertia + jnp.sum(jnp.where(real, distance, 0)),
        sums.total + matmul(member.T, rows),
        sums.size + jnp.sum(member, 0),
        far,
        jnp.concatenate([sums.rows, rows])[place],
        jnp.concatenate([sums.label, label])[place],
    )


def moved(sums: Sums, centroids: Array) -> Array:
    """The means of the clusters, [k, d]. An empty one gets the farthest row, the next empty one the next, as in
    scikit-learn: the row leaves its old cluster. Where all rows lie on centroids, empty clusters stay as they are.
    """
    empty = sums.size == 0
    which = jnp.argsort(~empty, stable=True)[: len(sums.far)]  # empty clusters first, in order

    def fill(held: tuple[Array, Array], one: tuple) -> tuple[tuple[Array, Array], None]:
        total, size = held
        cluster, distance, row, label = one
        fills = empty[cluster] & (distance > 0)
        weight = fills.astype(size.dtype)
        total = total.at[label].add(-weight * row).at[cluster].add(weight * row)
        return (total, size.at[label].add(-weight).at[cluster].add(weight)), None

    held, _ = jax.lax.scan(fill, (sums.total, sums.size), (which, sums.far, sums.rows, sums.label))
    total, size = held
    return jnp.where(size[:, None] > 0, total / jnp.maximum(size, 1)[:, None], centroids)


def steps(centroids_of: Callable, put: Callable, *, iterations: int = 20, due: Callable) -> Pass:
    """The pass over clean images that is a step of k-means, so many times in a row.

    centroids_of: (TrainState) -> [k, d]. put: (TrainState, centroids, inertia=, size=) -> TrainState, these of the
    centroids before they moved.
    """
    ranges.above_zero(iterations=iterations)

    def fold(state, found, batch, key):
        return joined(found, centroids_of(state), plain.clean(batch), batch["real"])

    def finish(state, found, key):
        return put(state, moved(found, centroids_of(state)), inertia=found.inertia, size=found.size)

    return Pass(due, finish, "clean", lambda state, key: none(centroids_of(state)), fold, iterations)
