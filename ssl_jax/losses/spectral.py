"""Losses on the singular values of embeddings."""

import chex
import jax
import jax.numpy as jnp

from ssl_jax.losses.contrastive import unit
from ssl_jax.losses.precision import matmul, widen

Array = jax.Array


def nuclear_norm(x: Array) -> Array:
    """The sum of the singular values of [..., n, d], one sum a matrix (MMCR, arXiv:2303.03307, section 3): [...].

    Its gradient is U V^T, also where singular values are equal or 0, as none of U and V is differentiated. For n unit
    rows between sqrt(n), all the same, and sqrt(n min(n, d)), evenly spread.
    """
    return jnp.sum(jnp.linalg.svd(widen(x), compute_uv=False), -1)


def unit_columns(x: Array) -> Array:
    """x [n, d], each feature divided by its length over the batch, not centered (FroSSL, arXiv:2310.02903; code)."""
    chex.assert_rank(x, 2)
    return unit(x.T).T


def log_collision(z: Array) -> Array:
    """log ||K||_F^2 of K = z^T z / trace (FroSSL, arXiv:2310.02903, eq. 5 and 6): -log min(n, d)..0, and 0 at rank 1.

    z: [n, d]. The negative collision entropy of K's eigenvalues. The smaller of z^T z and z z^T is made.
    """
    chex.assert_rank(z, 2)
    z = widen(z)
    k = matmul(z.T, z) if z.shape[0] > z.shape[1] else matmul(z, z.T)
    return jnp.log(jnp.sum(k * k)) - 2 * jnp.log(jnp.trace(k))
