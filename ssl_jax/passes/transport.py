"""Labels that are spread evenly over the clusters: Sinkhorn's iterations of a whole dataset, a piece at a time."""

import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from ssl_jax.losses import blocks
from ssl_jax.passes import pieces
from ssl_jax.state.bank import Bank
from ssl_jax.types import Array, Tree

MOST = 1000
"""Iterations, should rounding keep the sum of changes above every bound."""


class Scaling(NamedTuple):
    """Logarithms of what the matrix is scaled by: column [k], the one after it, and row [n]; the sum of changes of the
    rows' factors when it was last taken; how many iterations there were."""

    column: Array
    following: Array
    row: Array
    change: Array
    count: Array


def by_heads(
    log_of: Callable[[Tree, Array], Array],
    heads: Tree,
    features: Bank,
    *,
    tolerance: float = 0.1,
    scores_at_once: int = blocks.AT_ONCE,
) -> Array:
    """`labels` by each head, int32 [n, m]. log_of: (head, rows [r, d]) -> [r, k]. heads: arrays [m, ...]. features:
    rows [n, d], or [n, w, d] of w crops, of which head h labels crop h mod w."""
    count, rows = len(jax.tree.leaves(heads)[0]), features.rows
    rows = rows.reshape(len(rows), -1, rows.shape[-1])

    def one(part):
        head, h = part
        own = functools.partial(log_of, head)
        options = dict(tolerance=tolerance, scores_at_once=scores_at_once)
        return labels(own, rows[:, h % rows.shape[1]], features.written, **options)

    return jax.lax.map(one, (heads, jnp.arange(count, dtype=jnp.int32))).T


def labels(
    log_of: Callable[[Array], Array],
    rows: Array,
    valid: Array,
    *,
    tolerance: float = 0.1,
    scores_at_once: int = blocks.AT_ONCE,
) -> Array:
    """The label of each row, int32 [n], -1 where not valid, by optimal transport (SeLa, arXiv:1911.05371, alg. 1).

    log_of: rows [r, d] -> [r, k], the logarithm of a matrix of which rows and columns are scaled in turn until each row
    has mass 1 / n and each column 1 / k; a row's label is its largest entry then, the first of equals. It is made anew
    in each iteration, at most `scores_at_once` entries at a time. rows: [n, d]; valid: bool [n], those that have mass.
    tolerance: as in the code the sum over the rows of |c / c' - 1|, c and c' the factors before and after an iteration,
    looked at in every tenth; or what rounding leaves of it, which in float32 is the larger of both.
    """
    one = jax.eval_shape(log_of, rows[:1])
    k, at_once = one.shape[1], scores_at_once // one.shape[1]
    mass = -jnp.log(jnp.maximum(jnp.sum(valid), 1).astype(one.dtype))

    def balanced(column: Array | None, row: Array | None) -> tuple[Array, Array]:
        """Rows scaled to fit the columns, or as given, and the columns that fit these."""

        def add(total, part):
            x, real, given = part
            scores = log_of(x)
            scale = given if column is None else mass - jax.nn.logsumexp(scores + column[None], 1)
            scale = jnp.where(real, scale, -jnp.inf)
            return jnp.logaddexp(total, jax.nn.logsumexp(scores + scale[:, None], 0)), scale

        given = jnp.zeros(len(rows), one.dtype) if row is None else row
        start = jnp.full(k, -jnp.inf, one.dtype)
        total, scale = pieces.over(add, start, (rows, valid, given), at_once=at_once)
        return scale, -jnp.log(jnp.asarray(k, one.dtype)) - total

    def unfinished(s: Scaling) -> Array:
        rounding = 4 * jnp.finfo(one.dtype).eps * jnp.sum(jnp.where(valid, jnp.abs(s.row), 0))
        return (s.change > jnp.maximum(tolerance, rounding)) & (s.count < MOST)

    def iterate(s: Scaling) -> Scaling:
        row, following = balanced(s.following, None)
        moved = jnp.sum(jnp.where(valid, jnp.abs(jnp.expm1(s.row - row)), 0))
        return Scaling(s.following, following, row, jnp.where(s.count % 10 == 0, moved, s.change), s.count + 1)

    first, column = balanced(None, jnp.full(len(rows), mass))
    start = Scaling(column, column, first, jnp.asarray(jnp.inf, one.dtype), jnp.zeros((), jnp.int32))
    column = jax.lax.while_loop(unfinished, iterate, start).column
    best = lambda _, part: ((), jnp.argmax(log_of(part) + column[None], 1).astype(jnp.int32))  # noqa: E731
    return jnp.where(valid, pieces.over(best, (), rows, at_once=at_once)[1], -1)
