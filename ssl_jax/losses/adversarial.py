"""Losses of a discriminator and of what it judges, from its scores: cross-entropy, and BigBiGAN's hinges."""

import chex
import jax
import jax.numpy as jnp

from ssl_jax.losses.precision import widen

Array = jax.Array
Scores = dict[str, Array]
"""BigBiGAN's: "image", "latent" and "joint", each [b]."""


def cross_entropy(logits: Array, *, real: bool) -> Array:
    """The mean of -log of the probability that logits [b] give to real, or to made up (arXiv:1406.2661, eq. 1).

    log 2 where the logits are 0. A generator's loss is that of its own images as real ones (section 3).
    """
    chex.assert_rank(logits, 1)
    logits = widen(logits)
    return jnp.mean(jax.nn.softplus(-logits if real else logits))


def hinge(scores: Scores, *, real: bool) -> Array:
    """A discriminator's loss on real pairs or on made up ones: the mean over [b] of the sum of max(0, 1 - y s) of each
    score, y being 1 or -1 (BigBiGAN, arXiv:1907.02544, section 2): of each, not of their sum.

    3 where all three scores are 0.
    """
    return sum(jnp.mean(jax.nn.relu(1 - s if real else 1 + s)) for s in _wide(scores))


def critic_gap(real: Scores, made: Scores) -> Array:
    """The loss of encoder and generator: the mean over [b] of the summed scores of real pairs (x, E(x)) less that of
    made up ones (G(z), z) (arXiv:1907.02544, section 2). Which are which decides the sign."""
    return sum(jnp.mean(s) for s in _wide(real)) - sum(jnp.mean(s) for s in _wide(made))


def _wide(scores: Scores) -> list[Array]:
    chex.assert_rank(list(scores.values()), 1)
    return [widen(s) for s in scores.values()]
