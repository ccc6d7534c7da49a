"""Numbers that show whether a criterion is healthy. They are metrics; no loss is made of them."""

import math

import jax
import jax.numpy as jnp

from ssl_jax.losses.contrastive import unit
from ssl_jax.types import Array, Metrics


def similarities(views: Array) -> Metrics:
    """Mean cosine of two views of one example, and of views of different examples, in -1..1.

    views: [b, v, d], v >= 2. Read off the sums, without the matrix of all pairs. One example has no other: 0.
    """
    z = unit(views)
    b, v, _ = z.shape
    own = jnp.sum(z, 1)
    all_pairs, same_example = jnp.sum(jnp.sum(own, 0) ** 2), jnp.sum(own**2)
    positive = (same_example - jnp.sum(z**2)) / (b * v * (v - 1))
    negative = (all_pairs - same_example) / max(b * (b - 1) * v * v, 1)
    return {"similarity/positive": positive, "similarity/negative": negative}


def entropy(probabilities: Array) -> Array:
    """Mean entropy in nats over the rows of [..., k]; 0 for one-hot rows, log k for uniform ones."""
    return jnp.mean(jnp.sum(jax.scipy.special.entr(probabilities), -1))


def evenness(probabilities: Array) -> Array:
    """`entropy` over log k: 1 where all rows are uniform."""
    return entropy(probabilities) / math.log(max(probabilities.shape[-1], 2))


def used(scores: Array) -> Array:
    """How many of the k prototypes are the best of some row of [..., k]; a float."""
    best = jnp.argmax(scores, -1).reshape(-1)
    return jnp.sum(jnp.zeros(scores.shape[-1], jnp.float32).at[best].set(1.0))
