"""Losses that read numbers to be predicted; an example without one (NaN) takes no part."""

import jax
import jax.numpy as jnp

from ssl_jax.losses import distances
from ssl_jax.losses.precision import widen

Array = jax.Array


def rank_n_contrast(features: Array, target: Array, temperature: float | Array) -> Array:
    """Rank-N-Contrast (arXiv:2210.01189, eq. 1 and 2): what is nearer in target is nearer in features.

    features: [n, d], not normalized; target: [n, k]. Of each ordered pair (i, j) the loss is the cross-entropy of j
    among all m != i whose target is at least as far from that of i as that of j is; similarities are -L2 / temperature,
    distances of targets L1. A mean over all pairs; 0 where fewer than two rows have a target. Targets count by the
    order of these distances alone, so that shifting, scaling and turning them round changes nothing. Equal features
    give the mean of the logarithms of how many those are.
    """
    z = widen(features)
    real = jnp.all(jnp.isfinite(target), 1)
    y = jnp.where(real[:, None], target, jnp.zeros((), target.dtype))
    apart = jnp.sum(jnp.abs(y[:, None] - y[None]), -1)
    pair = real[:, None] & real[None] & ~jnp.eye(len(y), dtype=bool)
    apart = jnp.where(pair, apart, -jnp.ones((), apart.dtype))  # comes last, and is in no sum of a pair
    logits = -distances.between(z, pair) / jnp.asarray(temperature, z.dtype)
    order = jnp.argsort(-apart, axis=1)
    apart, logits, pair = (jnp.take_along_axis(x, order, 1) for x in (apart, logits, pair))
    sums = jax.lax.cumlogsumexp(logits, axis=1)
    last = jax.vmap(lambda row: jnp.searchsorted(row, row, side="right"))(-apart) - 1  # of those as far
    terms = jnp.take_along_axis(sums, last, 1) - logits
    return jnp.sum(jnp.where(pair, terms, 0)) / jnp.maximum(jnp.sum(pair), 1).astype(z.dtype)


def squared_error(prediction: Array, target: Array) -> Array:
    """Mean squared error of numbers [n, k], over those that are there; 0 where none is. For linear heads it is
    least squares, the reference that learned features are compared with (as in arXiv:2210.01189)."""
    prediction = widen(prediction)
    real = jnp.isfinite(target)
    gap = prediction - jnp.where(real, target, jnp.zeros((), target.dtype)).astype(prediction.dtype)
    gap = jnp.where(real, gap, jnp.zeros((), gap.dtype))
    return jnp.sum(jnp.square(gap)) / jnp.maximum(jnp.sum(real), 1).astype(gap.dtype)
