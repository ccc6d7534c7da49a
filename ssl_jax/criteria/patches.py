"""Criteria of masked models."""

import jax
import jax.numpy as jnp

from ssl_jax.losses import chamfer as distances
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


def chamfer() -> Criterion:
    """Point-MAE (arXiv:2203.06604, section 3.3): the squared Chamfer distance of the hidden patches of points.

    student: [b, m, 3 s], predicted points of the m hidden patches of each example; teacher: [b, m, 3 s], their own
    points, in which no gradient flows. As every example hides as many, this is the mean over all hidden patches.
    """

    def loss(params, state, seen):
        clouds = (a.reshape(*a.shape[:-1], -1, 3) for a in (seen.student, jax.lax.stop_gradient(seen.teacher)))
        return jnp.mean(distances.squared_chamfer(*clouds)), {}

    return Criterion(lambda key, seen: ({}, {}), loss, lambda state, seen: state)
