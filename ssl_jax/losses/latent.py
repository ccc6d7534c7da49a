"""Losses that compare predictions of features with features, and the normalizations of the latter."""

import chex
import jax
import jax.numpy as jnp

from ssl_jax.losses.precision import widen

Array = jax.Array


def smooth_l1(prediction: Array, target: Array, *, beta: float = 1.0) -> Array:
    """Quadratic where two values are nearer than beta, linear beyond: [...], the mean over the d values of a place.

    prediction, target: [..., d]. e^2 / (2 beta) below beta, |e| - beta / 2 above (data2vec, arXiv:2202.03555, section
    3.4, with a beta of 2 for images; I-JEPA's code, arXiv:2301.08243, has 1 where the paper says L2).
    """
    chex.assert_equal_shape([prediction, target])
    error = jnp.abs(widen(prediction) - widen(target))
    return jnp.mean(jnp.where(error < beta, jnp.square(error) / (2 * beta), error - beta / 2), -1)


def layer_normalized(features: Array, *, eps: float = 1e-5) -> Array:
    """Each vector of [..., d] less its mean, over its deviation, without gain and bias (I-JEPA's code,
    arXiv:2301.08243; data2vec, arXiv:2202.03555, section 3.3); the variance is biased, eps torch's default.
    """
    return _normalized(features, -1, eps)


def instance_normalized(features: Array, *, eps: float = 1e-5) -> Array:
    """Each feature of [..., l, d] less its mean over the l places of its image, over its deviation there: what all
    places share is gone (data2vec, arXiv:2202.03555, section 3.3 and code); variance and eps as above.
    """
    return _normalized(features, -2, eps)


def _normalized(features: Array, axis: int, eps: float) -> Array:
    features = widen(features)
    mean = jnp.mean(features, axis, keepdims=True)
    return (features - mean) * jax.lax.rsqrt(jnp.var(features, axis, keepdims=True) + eps)


def layers_averaged(layers: Array, *, instance_norm: bool = False) -> Array:
    """data2vec's target (arXiv:2202.03555, section 3.3 and code): [b, k, l, d], outputs of k layers -> [b, l, d].

    Each vector of each layer is normalized, their mean over the layers once more. instance_norm: of each layer every
    feature over the places instead, as data2vec 2.0 (arXiv:2212.07525, code) has for images.
    """
    chex.assert_rank(layers, 4)
    each = instance_normalized(layers) if instance_norm else layer_normalized(layers)
    return layer_normalized(jnp.mean(each, 1))
