"""Bags of visual words of images, and the loss that predicts them."""

import chex
import jax
import jax.numpy as jnp

from ssl_jax.losses.distillation import cross_entropy
from ssl_jax.losses.precision import widen

Array = jax.Array


def bags(distances: Array, sharpness: float | Array) -> Array:
    """How present each word is in an image (arXiv:2012.11552, section 3.1; code): [b, n], rows of sum 1.

    distances: [b, l, n], from each of l places to each of n words, squared; sharpness: 1 / delta of the softmax over
    words. Of a word counts the place that has most of it.
    """
    chex.assert_rank(distances, 3)
    distances = widen(distances)
    present = jnp.max(jax.nn.softmax(-distances * jnp.asarray(sharpness, distances.dtype), -1), 1)
    return present / jnp.sum(present, -1, keepdims=True)


def divergence(target: Array, logits: Array) -> Array:
    """KL(target || softmax(logits)) (arXiv:2012.11552, code; the gradient is that of a cross-entropy).

    target: [b, n], rows of sum 1, without gradient; logits: [b, v, n]. A mean over b and v; 0 where all are met.
    """
    chex.assert_rank([target, logits], [2, 3])
    target = jax.lax.stop_gradient(widen(target))
    met = cross_entropy(jnp.broadcast_to(target[:, None], logits.shape), logits)
    return met - jnp.mean(jnp.sum(jax.scipy.special.entr(target), -1))
