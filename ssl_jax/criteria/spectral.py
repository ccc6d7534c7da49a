"""Criteria of all views at once: how wide the examples' matrix spreads, and how little the views of one do."""

import jax
import jax.numpy as jnp

from ssl_jax.checks import ranges
from ssl_jax.criteria import views
from ssl_jax.losses import contrastive, spectral
from ssl_jax.types import Criterion


def mmcr(*, local_weight: float = 0.0) -> Criterion:
    """MMCR (arXiv:2303.03307, section 3; code): minus the nuclear norm of the matrix of examples' centroids.

    student: [b, v, d], teacher: [b, w, d], any norm; both are made unit vectors. An example's centroid is half the mean
    of the student's views and half that of the teacher's, in which no gradient flows. local_weight: lambda, of the mean
    nuclear norm of the student's views of one example [v, d], 0 in the paper's ImageNet runs. -sqrt(b) at collapse, at
    best -sqrt(b min(b, d)). Metrics: "spectral/global" and, with a weight, "spectral/local".
    """
    ranges.zero_or_more(local_weight=local_weight)

    def loss(params, state, seen):
        student, teacher = contrastive.unit(seen.student), contrastive.unit(jax.lax.stop_gradient(seen.teacher))
        spread = spectral.nuclear_norm((jnp.mean(student, 1) + jnp.mean(teacher, 1)) / 2)
        if not local_weight:
            return -spread, {"spectral/global": spread}
        local = jnp.mean(spectral.nuclear_norm(student))
        return local_weight * local - spread, {"spectral/global": spread, "spectral/local": local}

    return views.stateless(loss, examples=2)


def frossl(*, invariance: float = 1.0) -> Criterion:
    """FroSSL (arXiv:2310.02903, eq. 3 to 6; code of any number of views): low Frobenius norms, and views near their
    mean.

    student: [b, v, d], any norm; each view's features are divided by their lengths over the batch. A sum over the views
    of log ||K||_F^2 and of `invariance` times v d times the mean squared distance to the mean view. Metrics: both
    terms, before the weight.
    """
    ranges.zero_or_more(invariance=invariance)

    def loss(params, state, seen):
        v, d = seen.student.shape[1:]
        z = [spectral.unit_columns(seen.student[:, i]) for i in range(v)]
        mean = sum(z) / v
        collision = sum(spectral.log_collision(x) for x in z)
        apart = v * d * sum(jnp.mean((x - mean) ** 2) for x in z)
        return collision + invariance * apart, {"spectral/collision": collision, "spectral/invariance": apart}

    return views.stateless(loss, examples=2)
