"""Criteria whose positive is the nearest neighbor of a view among those of past batches."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from ssl_jax.checks import ranges
from ssl_jax.criteria import views
from ssl_jax.losses import contrastive
from ssl_jax.losses.precision import wide
from ssl_jax.state import queue
from ssl_jax.types import Array, Criterion, Pairs


class Support(NamedTuple):
    """The state: a Queue of `size` unit rows, and one of their classes, int32 [size], -1 where there is none."""

    rows: queue.Queue
    classes: queue.Queue


def nearest(*, size: int = 98304, temperature: float = 0.1, pairs: Pairs = views.crossed) -> Criterion:
    """NNCLR (arXiv:2104.14548, eq. 2 and 3): the neighbor of each view finds the prediction of another, in the batch.

    student: [b, v, d], predictions; teacher: [b, w, d], projections without gradient, any norm. A mean over the
    teacher's views and the student's other views. Neighbors are those of the support set as it was before this batch;
    `update` puts the first view's projections into it. Classes serve the log alone. `init` raises ValueError if `size`
    is no multiple of the batch.
    """
    ranges.above_zero(size=size, temperature=temperature)

    def init(key, seen):
        views.require(seen, pairs=pairs, examples=2)
        b, _, d = seen.teacher.shape
        rows = queue.init(key, size, (d,), write=b, dtype=wide(seen.teacher.dtype))
        return {}, Support(rows, rows._replace(rows=jnp.full(size, -1, jnp.int32)))

    def loss(params, state, seen):
        teacher, label = jax.lax.stop_gradient(seen.teacher), seen.batch["label"]
        found = [queue.nearest(state.rows, teacher[:, t]) for t in range(teacher.shape[1])]
        compared = views.of(seen, pairs)
        terms = [contrastive.in_batch(found[t][0], seen.student[:, s], temperature) for t, s in compared]
        return sum(terms) / len(terms), _metrics(state, teacher[:, 0], *found[0], label)

    def update(state, seen):
        rows = queue.write(state.rows, contrastive.unit(seen.teacher[:, 0]))
        return Support(rows, queue.write(state.classes, seen.batch["label"]))

    return Criterion(init, loss, update)


def _metrics(state: Support, rows: Array, found: Array, index: Array, label: Array) -> dict[str, Array]:
    """Of the first view: how near its neighbors are, how many are random rows of the start, or of the same class."""
    other = state.classes.rows[index]
    known = (label >= 0) & (other >= 0)
    hits = jnp.sum(known & (label == other)) / jnp.maximum(jnp.sum(known), 1)
    return {
        "neighbors/similarity": jnp.mean(jnp.sum(contrastive.unit(rows) * found, -1)),
        "neighbors/random": jnp.mean(index >= state.rows.filled),
        "neighbors/same_class": hits,
    }
