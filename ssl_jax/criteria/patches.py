"""Criteria of masked models."""

import jax
import jax.numpy as jnp

from ssl_jax.losses import reconstruction
from ssl_jax.types import Criterion


def squared() -> Criterion:
    """MAE (arXiv:2111.06377, section 3): the mean squared error of the hidden patches.

    student: [b, m, p], predictions of the m hidden patches of each example; teacher: [b, m, p], their targets, in
    which no gradient flows. As every example hides as many, this is the mean over all hidden patches of the batch.
    """

    def loss(params, state, seen):
        return jnp.mean(reconstruction.squared(seen.student, jax.lax.stop_gradient(seen.teacher))), {}

    return Criterion(lambda key, seen: ({}, {}), loss, lambda state, seen: state)
