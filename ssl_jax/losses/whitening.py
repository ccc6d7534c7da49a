"""Losses on embeddings that were whitened, so that no two features say the same."""

import chex
import jax
import jax.numpy as jnp

from ssl_jax.losses.precision import matmul, widen

Array = jax.Array


def whitened(x: Array, *, eps: float = 0.0) -> Array:
    """L^-1 (x - mean) with L L^T = (1 - eps) cov(x) + eps I: rows of covariance I (W-MSE, arXiv:2007.06346, section 3).

    x: [n, d] with n > d, else the covariance is singular and the result NaN where eps is 0. Gradients go through the
    Cholesky factor. In at least float32: half precision has no factor of a covariance.
    """
    chex.assert_rank(x, 2)
    x = widen(x)
    x = x - jnp.mean(x, 0, keepdims=True)
    covariance = (1 - eps) * matmul(x.T, x) / (len(x) - 1) + eps * jnp.eye(x.shape[1], dtype=x.dtype)
    factor = jnp.linalg.cholesky(covariance)
    return jax.scipy.linalg.solve_triangular(factor, x.T, lower=True).T
