"""The loss of colors as classes, of which rare ones count more."""

import chex
import jax
import jax.numpy as jnp

from ssl_jax.losses.precision import widen

Array = jax.Array


def rarity(prior: Array, *, uniform: float) -> Array:
    """Weights [q] of classes that occur with the shares `prior` [q], of sum 1 (arXiv:1603.08511, eq. 4).

    In proportion to 1 / ((1 - uniform) prior + uniform / q), and 1 in the mean over what occurs.
    """
    chex.assert_rank(prior, 1)
    weights = 1 / ((1 - uniform) * prior + uniform / prior.size)
    return weights / jnp.sum(prior * weights)


def rebalanced(target: Array, logits: Array, weights: Array, counted: Array) -> Array:
    """Cross-entropy, a mean over the rows that are counted, whose gradient alone has the weights.

    As the code of arXiv:1603.08511 (section 2.2) has it: the value stays a likelihood. target: [n, q], of sum 1;
    logits: [n, q]; weights: [n], which get no gradient; counted: bool [n]. Other rows have none either; 0 if all are.
    """
    chex.assert_equal_shape([target, logits])
    chex.assert_shape([weights, counted], target.shape[:1])
    rows = -jnp.sum(widen(target) * jax.nn.log_softmax(widen(logits)), -1)
    rows = jnp.where(counted, rows, 0) / jnp.maximum(jnp.sum(counted), 1).astype(rows.dtype)
    value, weighted = jnp.sum(rows), jnp.sum(jax.lax.stop_gradient(widen(weights)) * rows)
    return jax.lax.stop_gradient(value - weighted) + weighted
