"""Losses that keep embeddings apart from their nearest."""

import chex
import jax
import jax.numpy as jnp

from ssl_jax.losses.contrastive import unit
from ssl_jax.losses.precision import matmul

Array = jax.Array
EPS = 1e-8
"""Of torch's PairwiseDistance, on each difference, and of DINOv2's code under the logarithm."""


def koleo(x: Array) -> Array:
    """- mean_i log min_{j != i} ||u_i - u_j|| of unit rows u = x / ||x|| (DINOv2, arXiv:2304.07193, section 4; code).

    x: [n, d], n >= 2, any norm. The Kozachenko-Leonenko estimate of entropy, less its constants; no gradient flows
    through the choice of the nearest. -log sqrt(2) where all rows are orthogonal, about 18 where two and two are equal.
    """
    chex.assert_rank(x, 2)
    u = unit(x)
    cosine = jax.lax.stop_gradient(matmul(u, u.T))
    nearest = jnp.argmax(jnp.where(jnp.eye(len(u), dtype=bool), -jnp.inf, cosine), 1)
    apart = u - jnp.take(u, nearest, 0) + EPS
    return -jnp.mean(jnp.log(jnp.sqrt(jnp.sum(apart**2, -1)) + EPS))
