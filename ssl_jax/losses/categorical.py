"""Codes that are drawn so that gradients pass: the relaxed draw, and its cost."""

import chex
import jax
import jax.numpy as jnp

from ssl_jax.losses.precision import widen
from ssl_jax.types import Array


def relaxed(logits: Array, noise: Array, temperature: float | Array) -> Array:
    """softmax((logits + noise) / temperature) over the last axis (Gumbel-softmax, arXiv:1611.01144, eq. 2).

    logits: [..., k]; noise: [..., k], standard Gumbel draws, with which the largest is a draw of softmax(logits). At a
    low temperature it is nearly that draw.
    """
    chex.assert_equal_shape([logits, noise])
    logits = widen(logits)
    return jax.nn.softmax((logits + noise.astype(logits.dtype)) / jnp.asarray(temperature, logits.dtype), -1)


def from_uniform(logits: Array) -> Array:
    """KL(softmax(logits) || uniform) of each place [..., k] -> [...], in nats: 0..log(k) (arXiv:2102.12092, eq. 1)."""
    log = jax.nn.log_softmax(widen(logits), -1)
    return jnp.sum(jnp.exp(log) * log, -1) + jnp.log(jnp.asarray(logits.shape[-1], log.dtype))
