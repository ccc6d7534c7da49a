"""Mean and scatter of all rows in one pass, and their principal components."""

from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp

from ssl_jax.losses import blocks
from ssl_jax.losses.precision import matmul
from ssl_jax.passes import pieces, rows
from ssl_jax.types import Array, Pass

MOST = 2**14
"""Numbers in a row: the scatter is the square of them, here 1 GiB."""


class Moments(NamedTuple):
    """count: rows seen. mean: [d]. scatter: [d, d], the sum of (x - mean)(x - mean)'."""

    count: Array
    mean: Array
    scatter: Array


def none(row: Array) -> Moments:
    """The moments of no row of such a size and dtype. Raises ValueError where the square of it has no room."""
    size, dtype = row.size, row.dtype
    if size > MOST:
        raise ValueError(f"moments of rows of {size} numbers take {size} x {size} of them: make the images smaller")
    return Moments(jnp.zeros((), dtype), jnp.zeros(size, dtype), jnp.zeros((size, size), dtype))


def joined(moments: Moments, new: Array, real: Array) -> Moments:
    """With `new` rows [b, d], of which those count that are `real` bool [b].

    The batch is centered before it is squared, and joined as Chan, Golub & LeVeque 1983 (eq. 2.1) do it: sums of
    squares of what is not centered would leave nothing of float32.
    """
    weight = real.astype(moments.mean.dtype)
    count = jnp.sum(weight)
    total = moments.count + count
    mean = matmul(weight, new) / jnp.maximum(count, 1)
    centered = (new - mean[None]) * weight[:, None]
    share, delta = count / jnp.maximum(total, 1), mean - moments.mean
    between = moments.count * share * delta[:, None] * delta[None]
    return Moments(total, moments.mean + share * delta, moments.scatter + matmul(centered.T, centered) + between)


def measuring(
    row_of: Callable, finish: Callable, *, due: Callable, rows_of: Callable[[dict], Array] = rows.clean
) -> Pass:
    """The pass that finds the moments of all clean images, or of what else `rows_of` makes of them.

    row_of: (TrainState) -> an array as large as a row, of which size and dtype are read. finish: (TrainState,
    Moments, key) -> TrainState. rows_of: (batch) -> [b, d], or [b, l, d], l rows of each example.
    """

    def start(state, key):
        return none(row_of(state))

    def fold(state, found, batch, key):
        new = rows_of(batch)
        real = jnp.repeat(batch["real"], new.size // (len(new) * new.shape[-1]))
        return joined(found, new.reshape(-1, new.shape[-1]), real)

    return Pass(due, finish, "clean", start, fold)


def principal(moments: Moments, count: int) -> tuple[Array, Array]:
    """The first `count` components, orthonormal columns [d, count], and all variances [d], the greatest first.

    Variances are of a sample, over n - 1. The sign of a component is such that its largest number is positive.
    """
    variances, vectors = jnp.linalg.eigh(moments.scatter / jnp.maximum(moments.count - 1, 1))
    columns = vectors[:, ::-1][:, :count]
    largest = jnp.take_along_axis(columns, jnp.argmax(jnp.abs(columns), 0)[None], 0)
    return columns * jnp.where(largest < 0, -1, 1), jnp.maximum(variances[::-1], 0)


def whitened(x: Array, valid: Array, count: int, *, numbers_at_once: int = blocks.AT_ONCE) -> Array:
    """Rows [n, d] in their first `count` principal components, each of variance 1: [n, count].

    valid: bool [n], the rows whose moments they are. A component without variance (dead features) is 0 in all rows.
    At most `numbers_at_once` numbers of the rows are read at a time.
    """
    at_once, start = numbers_at_once // x.shape[1], none(x[0])
    found, _ = pieces.over(lambda held, part: (joined(held, *part), None), start, (x, valid), at_once=at_once)
    columns, variances = principal(found, count)
    kept = variances[:count]
    real = kept > jnp.finfo(x.dtype).eps * x.shape[1] * kept[0]
    scaled = columns * jnp.where(real, 1 / jnp.sqrt(jnp.where(real, kept, 1)), 0)[None]
    return pieces.over(lambda _, part: ((), matmul(part - found.mean[None], scaled)), (), x, at_once=at_once)[1]


def projected(x: Array, mean: Array, columns: Array) -> Array:
    """Rows x [b, d] on the plane through mean [d] of orthogonal columns [d, k] of any length: [b, d]."""
    unit = columns / jnp.linalg.norm(columns, axis=0)[None]
    return mean[None] + matmul(matmul(x - mean[None], unit), unit.T)


def unexplained(centered: Array, columns: Array) -> Array:
    """What orthogonal columns [d, k] of any length leave of centered rows [b, d]: squared errors [b]."""
    along = matmul(centered, columns / jnp.linalg.norm(columns, axis=0)[None])
    return jnp.sum(centered**2, 1) - jnp.sum(along**2, 1)
