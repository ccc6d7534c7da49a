"""First in, first out: the last n rows that were written, in a buffer of fixed size."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from ssl_jax.losses import clustering
from ssl_jax.losses.contrastive import unit
from ssl_jax.types import Array, Key


class Queue(NamedTuple):
    """rows: [n, ..., d]. pointer: int32, where the next row goes. filled: int32, rows written so far, at most n."""

    rows: Array
    pointer: Array
    filled: Array


def init(key: Key, size: int, row: tuple[int, ...], *, write: int, dtype: jnp.dtype = jnp.float32) -> Queue:
    """A queue of `size` random unit rows of shape `row` (arXiv:1911.05722, code), of which none counts as filled.

    write: the number of rows of each later write. Raises ValueError if `size` is no multiple of it.
    """
    _check(size, write)
    rows = unit(jax.random.normal(key, (size, *row), dtype))
    return Queue(rows, jnp.zeros((), jnp.int32), jnp.zeros((), jnp.int32))


def write(queue: Queue, rows: Array) -> Queue:
    """The queue with its oldest rows replaced by `rows` [m, ..., d]; m is the `write` of `init`."""
    size, count = queue.rows.shape[0], rows.shape[0]
    _check(size, count)
    written = jax.lax.dynamic_update_slice_in_dim(queue.rows, rows.astype(queue.rows.dtype), queue.pointer, 0)
    return Queue(written, (queue.pointer + count) % size, jnp.minimum(queue.filled + count, size))


def nearest(queue: Queue, rows: Array) -> tuple[Array, Array]:
    """The queue's row of greatest cosine for each of `rows` [m, d], any norm: (found [m, d], index int32 [m]).

    The support set of NNCLR (arXiv:2104.14548, eq. 2). The queue's rows are unit; random ones of the start can be found
    too, which lie at `index >= queue.filled`. No gradient passes.
    """
    kept, rows = jax.lax.stop_gradient((queue.rows, rows))
    index = clustering.nearest(unit(rows), kept)
    return kept[index], index


def several(queue: Queue, rows: Array, count: int) -> Array:
    """The queue's `count` rows of greatest cosines for each of `rows` [m, d], any norm, the nearest first:
    [m, count, d]. As `nearest`, which finds the first of them (All4One, arXiv:2303.09417, code).
    """
    kept, rows = jax.lax.stop_gradient((queue.rows, rows))
    return kept[clustering.several(unit(rows), kept, count)]


def full(queue: Queue) -> Array:
    """Bool scalar: whether no random row of the start is left."""
    return queue.filled >= queue.rows.shape[0]


def _check(size: int, count: int):
    if size % count:
        near = max(size // count, 1) * count
        raise ValueError(
            f"the queue's {size} rows are no multiple of the {count} rows written at each step; "
            f"make the queue {near} or {near + count} rows long"
        )
