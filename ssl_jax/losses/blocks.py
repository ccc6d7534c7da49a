"""Rows against many columns, a block of rows at a time: what a batch's similarities are reduced to, without them."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

Array = jax.Array

AT_ONCE = 2**24
"""Numbers of a matrix of similarities that exist at a time: 64 MiB in float32, a batch of 4096 against itself."""


def by_rows(function: Callable, *rows: Array, columns: int, at_once: int) -> Array | tuple[Array, ...]:
    """function(*rows), made of it for blocks of rows: large batches (GradCache, arXiv:2101.06983, has it for networks).

    function: arrays [m, ...] -> an array or a tuple of arrays [m, ...], each row of which depends on its own row alone;
    what it compares them with is in its closure, and gets its gradient. rows: [n, ...] each. columns: numbers that it
    makes of each row on its way; of all rows at most `at_once` exist at a time, and none is kept: blocks are made again
    in the backward pass. Memory is linear in n. Where all rows fit at once there are no blocks.
    """
    n = rows[0].shape[0]
    if n * columns <= at_once:
        return function(*rows)
    cut = tuple(jnp.moveaxis(pieces(x, columns=columns, at_once=at_once), 1, 0) for x in rows)
    one = jax.checkpoint(function, prevent_cse=False)
    found = jax.lax.map(lambda block: one(*block), cut)
    return jax.tree.map(lambda x: jnp.moveaxis(x, 0, 1).reshape(-1, *x.shape[2:])[:n], found)


def pieces(rows: Array, *, columns: int, at_once: int) -> Array:
    """[n, ...] -> [size, count, ...], zeros at the end, so that size x columns is at most `at_once`, or size 1; blocks
    lie along axis 1, so that a sharded axis 0 stays sharded: SwAV's k-means (arXiv:2006.09882, code) and `by_rows`.
    """
    n = rows.shape[0]
    count = -(-n // max(1, at_once // columns))
    size = -(-n // count)
    padding = ((0, size * count - n), *((0, 0),) * (rows.ndim - 1))
    return jnp.pad(rows, padding).reshape(size, count, *rows.shape[1:])
