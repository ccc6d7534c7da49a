"""Criteria whose negatives are the keys of past batches."""

import jax
import jax.numpy as jnp

from ssl_jax.checks import ranges
from ssl_jax.criteria import views
from ssl_jax.losses import contrastive, places
from ssl_jax.losses.precision import wide, widen
from ssl_jax.state import queue
from ssl_jax.types import Array, Criterion, Key, Metrics, Seen


def queued(*, size: int = 65536, temperature: float = 0.2) -> Criterion:
    """MoCo (arXiv:1911.05722, eq. 1; v2: arXiv:2003.04297): the student's view finds the teacher's, which is another.

    student, teacher: [b, 1, d], any norm. The loss sees the queue as it was before this batch; `update`
    puts the whole batch of keys into it. State: a Queue of `size` unit rows. `init` raises ValueError if `size` is no
    multiple of the batch, and for more views, which would be computed and never looked at.
    """
    ranges.above_zero(size=size, temperature=temperature)

    def init(key, seen):
        _require_one_each(seen)
        return {}, _queue(key, seen.teacher, size)

    def loss(params, state, seen):
        return _find(seen.student[:, 0], seen.teacher[:, 0], state, temperature)

    def update(state, seen):
        return _enqueue(state, seen.teacher[:, 0])

    return Criterion(init, loss, update)


def symmetric(*, size: int = 65536, temperature: float = 0.2) -> Criterion:
    """MoCo in both directions, each with a queue of its own view's keys; the mean of both (solo-learn's MoCo v2+).

    student, teacher: [b, 2, d], any norm. State: {"first", "second"}, the keys of the two views.
    """
    ranges.above_zero(size=size, temperature=temperature)

    def init(key, seen):
        views.require(seen)
        first, second = jax.random.split(key)
        return {}, {"first": _queue(first, seen.teacher, size), "second": _queue(second, seen.teacher, size)}

    def loss(params, state, seen):
        a, there = _find(seen.student[:, 0], seen.teacher[:, 1], state["second"], temperature)
        b, back = _find(seen.student[:, 1], seen.teacher[:, 0], state["first"], temperature)
        return (a + b) / 2, jax.tree.map(lambda x, y: (x + y) / 2, there, back)

    def update(state, seen):
        keys = {"first": seen.teacher[:, 0], "second": seen.teacher[:, 1]}
        return {name: _enqueue(state[name], keys[name]) for name in keys}

    return Criterion(init, loss, update)


def remembered(*, size: int = 65536, temperature: float = 0.1) -> Criterion:
    """SimCLR with a memory (SimCLR v2, arXiv:2006.10029, section 2): `losses.contrastive.nt_xent` of all views of the
    student, told from past keys as well.

    student: [b, v, d] with v >= 2; teacher: [b, w, d]; any norm. State: a Queue of `size` unit rows, into which
    `update` puts the teacher's first view; the loss sees it as it was before this batch. `init` raises ValueError if
    `size` is no multiple of the batch.
    """
    ranges.above_zero(size=size, temperature=temperature)

    def init(key, seen):
        views.require(seen, examples=2)
        return {}, _queue(key, seen.teacher, size)

    def loss(params, state, seen):
        return contrastive.nt_xent(seen.student, temperature, negatives=jax.lax.stop_gradient(state.rows)), {}

    def update(state, seen):
        return _enqueue(state, seen.teacher[:, 0])

    return Criterion(init, loss, update)


def dense(*, size: int = 65536, temperature: float = 0.2) -> Criterion:
    """DenseCL (arXiv:2011.09157, eq. 2 and 3): each place of the student's view finds its match in the teacher's.

    student, teacher: {"grid": [b, 1, l, f], "dense": [b, 1, l, d]} of two views, one a side, features of the encoder
    and of the dense head, any norm. Matches are those of the grids, by cosine; what is told apart is the head's. State:
    a Queue of `size` unit rows, into which `update` puts one row an image, the mean of its dense keys: it turns over as
    fast as `queued` does. Metrics: "matches", the share of the teacher's places that some place has found, 1 / l where
    all find the same.
    """
    ranges.above_zero(size=size, temperature=temperature)

    def init(key, seen):
        _require_one_each(seen._replace(student=seen.student["dense"], teacher=seen.teacher["dense"]))
        return {}, _queue(key, seen.teacher["dense"], size)

    def loss(params, state, seen):
        matches = places.most_similar(seen.student["grid"][:, 0], seen.teacher["grid"][:, 0])
        query, keys = seen.student["dense"][:, 0], places.taken(seen.teacher["dense"][:, 0], matches)
        value, metrics = _find(*(x.reshape(-1, x.shape[-1]) for x in (query, keys)), state, temperature)
        found = jax.nn.one_hot(matches, matches.shape[1]).max(1)
        return value, {**metrics, "matches": jnp.mean(found)}

    def update(state, seen):
        return _enqueue(state, jnp.mean(widen(seen.teacher["dense"][:, 0]), 1))

    return Criterion(init, loss, update)


def _require_one_each(seen: Seen) -> None:
    """Raises ValueError where a side has other than one view."""
    v, w = seen.student.shape[1], seen.teacher.shape[1]
    if (v, w) != (1, 1):
        raise ValueError(
            f"this loss compares 2 views of an image, one of the student's with one of the teacher's, got {v} and {w}; "
            "set the views' count to 2"
        )


def _queue(key: Key, keys: Array, size: int) -> queue.Queue:
    """For one row an example of keys [b, ..., d]."""
    return queue.init(key, size, keys.shape[-1:], write=keys.shape[0], dtype=wide(keys.dtype))


def _find(query: Array, key: Array, past: queue.Queue, temperature: float) -> tuple[Array, Metrics]:
    key, negatives = jax.lax.stop_gradient((key, past.rows))
    q, k = contrastive.unit(query), contrastive.unit(key)
    positive = jnp.mean(jnp.sum(q * k, -1))
    negative = jnp.sum(jnp.mean(q, 0) * jnp.mean(negatives, 0))  # the mean of all products, without the products
    return contrastive.info_nce(query, key, negatives, temperature), {
        "similarity/positive": positive,
        "similarity/negative": negative,
    }


def _enqueue(past: queue.Queue, keys: Array) -> queue.Queue:
    return queue.write(past, contrastive.unit(keys))
