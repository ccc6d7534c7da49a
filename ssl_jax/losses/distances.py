"""L2 distances, with gradients that are finite where two points are one."""

import jax
import jax.numpy as jnp

from ssl_jax.losses.precision import matmul, widen

Array = jax.Array


def root(squares: Array) -> Array:
    """The square roots of [...], as L2 distances are of their squares (arXiv:1503.03832, section 3); at 0, and below, 0
    with a gradient of 0."""
    there = squares > 0
    return jnp.where(
        there, jnp.sqrt(jnp.where(there, squares, jnp.ones((), squares.dtype))), jnp.zeros((), squares.dtype)
    )


def squared(rows: Array, others: Array) -> Array:
    """||row - other||^2 of rows [..., d] and others [n, d], from products: [..., n] (arXiv:2012.11552, section 3.1)."""
    rows, others = widen(rows), widen(others)
    norms = jnp.sum(rows * rows, -1, keepdims=True)
    return norms + jnp.sum(others * others, -1).reshape((1,) * (rows.ndim - 1) + (-1,)) - 2 * matmul(rows, others.T)


def between(z: Array, pair: Array) -> Array:
    """L2 distances [n, n] of rows [n, d] where `pair`, else 0 (as in arXiv:2210.01189, eq. 2).

    From products, as the differences themselves are [n, n, d]; what the rows have in common is taken off first.
    """
    z = widen(z)
    z = z - jax.lax.stop_gradient(jnp.mean(z, 0, keepdims=True))
    norms = jnp.sum(z * z, 1)
    return root(jnp.where(pair, norms[:, None] + norms[None] - 2 * matmul(z, z.T), jnp.zeros((), z.dtype)))
