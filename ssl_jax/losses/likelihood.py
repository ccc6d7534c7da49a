"""Likelihoods of images under a decoder's output, and the cost of a code: the terms of autoencoders, in nats."""

import chex
import jax
import jax.numpy as jnp
import numpy as np

from ssl_jax.losses.precision import widen

Array = jax.Array


def squared_error(prediction: Array, target: Array) -> Array:
    """|x - y|^2 of each image, the sum over all its numbers: [b].

    prediction, target: [b, ...]. What a normal likelihood leaves without its variance and constant (arXiv:1312.6114,
    appendix C.2).
    """
    chex.assert_equal_shape([prediction, target])
    return _of_each((widen(prediction) - widen(target)) ** 2)


def mean_squared_error(prediction: Array, target: Array) -> Array:
    """The squared error of each image [b, ...] over its numbers: [b] (arXiv:1312.6114, appendix C.2)."""
    return squared_error(prediction, target) / target[0].size


def gaussian(prediction: Array, target: Array, *, variance: float = 1.0) -> Array:
    """-log N(x; y, variance I) of each image, the sum over all its numbers: [b] (arXiv:1312.6114, appendix C.2).

    prediction, target: [b, ...]. With a variance of 1/2 it is the squared error and a constant.
    """
    constant = 0.5 * target[0].size * np.log(2 * np.pi * variance)
    return squared_error(prediction, target) / (2 * variance) + constant


def bernoulli(logits: Array, target: Array) -> Array:
    """-log p(x) of each image whose numbers are shares of coin throws, summed: [b] (arXiv:1312.6114, appendix C.1).

    logits [b, ...]: of p(1). target [b, ...]: 0..1, whose own entropy is the least that is reached.
    """
    chex.assert_equal_shape([logits, target])
    logits, target = widen(logits), widen(target)
    # log(1 + e^l) - x l, which stays finite for any logit
    return _of_each(jax.nn.softplus(logits) - target * logits)


def normal_divergence(mean: Array, log_variance: Array) -> Array:
    """KL(N(mean, diag e^log_variance) || N(0, I)) of each code, the sum over its numbers: [b].

    mean, log_variance: [b, k] (arXiv:1312.6114, appendix B). 0 where both are 0, and above it elsewhere.
    """
    chex.assert_equal_shape([mean, log_variance])
    mean, log_variance = widen(mean), widen(log_variance)
    return 0.5 * _of_each(mean**2 + jnp.exp(log_variance) - 1 - log_variance)


def _of_each(values: Array) -> Array:
    return jnp.sum(values.reshape(len(values), -1), 1)
