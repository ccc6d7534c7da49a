"""Criteria of masked models."""

import jax
import jax.numpy as jnp

from ssl_jax.losses import chamfer as distances
from ssl_jax.losses import latent, reconstruction
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


def smooth_l1(*, beta: float = 1.0) -> Criterion:
    """I-JEPA (arXiv:2301.08243, code), data2vec (arXiv:2202.03555, section 3.4): smooth L1 of the places that count.

    student: [b, n, d], predicted features of n places of each example; teacher: [b, n, d], what they are, in which no
    gradient flows; seen.batch["counts"]: bool [b, n], which of them count. The mean over all those of the batch.
    """

    def loss(params, state, seen):
        errors = latent.smooth_l1(seen.student, jax.lax.stop_gradient(seen.teacher), beta=beta)
        return reconstruction.masked_mean(errors, seen.batch["counts"]), {}

    return Criterion(lambda key, seen: ({}, {}), loss, lambda state, seen: state)
