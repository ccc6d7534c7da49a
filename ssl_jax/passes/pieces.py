"""What has a row for each example, a piece at a time: what is made of all rows at once may not fit into memory."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from ssl_jax.types import Array, Tree


def over(step: Callable, held: Tree, arrays: Tree, *, at_once: int) -> tuple[Tree, Tree]:
    """The fold of step: (held, pieces) -> (held, out) over arrays [n, ...]; returns what it ends with and out [n, ...].

    pieces: of each array at most `at_once` rows, or one; zeros and False fill up the last. Each has rows of all parts
    of the arrays, so that what is split over devices by its rows stays split. Their number is a power of two, as
    banks' rows are a multiple of one (`bank.padded`): nothing moves.
    """
    n = len(jax.tree.leaves(arrays)[0])
    needed = -(-n // max(at_once, 1))
    count = 1 << (needed - 1).bit_length()
    size = -(-n // count)

    def cut(a: Array) -> Array:
        a = jnp.pad(a, ((0, size * count - n), *((0, 0),) * (a.ndim - 1)))
        return jnp.moveaxis(a.reshape(size, count, *a.shape[1:]), 1, 0)

    def joined(a: Array) -> Array:
        return jnp.moveaxis(a, 0, 1).reshape(size * count, *a.shape[2:])[:n]

    held, out = jax.lax.scan(step, held, jax.tree.map(cut, arrays))
    return held, jax.tree.map(joined, out)
