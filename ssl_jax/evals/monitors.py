"""Signs of collapse and of health in embeddings; jittable, on global arrays, in at least float32.

z: [b, d] embeddings of any norm. Every function says its anchors: the values at collapse and for ideal embeddings.
"""

import jax
import jax.numpy as jnp
import numpy as np

from ssl_jax.types import Array


def unit(z: Array) -> Array:
    """[..., d] -> rows of length one; zero rows stay zero."""
    z = _wide(z)
    return z * jax.lax.rsqrt(jnp.maximum(jnp.sum(z * z, -1, keepdims=True), 1e-24))


def spread(z: Array) -> Array:
    """mean_j std_i(z_ij / ||z_i||) * sqrt(d): 0 at collapse, about 1 for isotropic embeddings (1 is the maximum).

    SimSiam's monitor (Chen and He 2021, arXiv:2011.10566, fig. 2), times sqrt(d) to make widths comparable.
    """
    return jnp.mean(jnp.std(unit(z), 0)) * z.shape[-1] ** 0.5


def effective_rank(z: Array) -> Array:
    """exp(entropy of the singular values' shares): 1 at collapse, at most min(b, d). Not centred, as published.

    RankMe (Garrido et al. 2023, arXiv:2210.02885, eq. 1-2). A common offset of all embeddings counts as one dominant
    direction: look at `effective_rank(centred(z))` beside it. b of at least 5 d is needed for d to be in reach.
    """
    singular = jnp.linalg.svd(_wide(z), compute_uv=False)
    p = singular / jnp.maximum(jnp.sum(singular), 1e-30) + 1e-7
    return jnp.exp(-jnp.sum(p * jnp.log(p)))


def centred(z: Array) -> Array:
    """z minus its mean over the examples."""
    z = _wide(z)
    return z - jnp.mean(z, 0, keepdims=True)


def dead(z: Array, *, threshold: float = 1e-3) -> Array:
    """The share of dimensions whose std over the examples is below `threshold`: 1 at collapse, 0 is ideal."""
    return jnp.mean((jnp.std(_wide(z), 0) < threshold).astype(jnp.float32))


def alignment(a: Array, b: Array) -> Array:
    """E ||a - b||^2 of unit-length positive pairs, a, b: [b, d]: 0 where views agree, 2 where they are independent.

    Wang and Isola 2020 (arXiv:2005.10242, section 4.1) with alpha = 2.
    """
    return jnp.mean(jnp.sum(jnp.square(unit(a) - unit(b)), -1))


def uniformity(z: Array, *, t: float = 2.0) -> Array:
    """log E_{i<j} exp(-t ||z_i - z_j||^2) of unit-length embeddings: 0 at collapse, about -4 + 8/d on a full sphere.

    Wang and Isola 2020 (arXiv:2005.10242, section 4.1). Memory b^2.
    """
    cosine = _cosines(z, z)
    b = cosine.shape[0]
    apart = jnp.where(jnp.eye(b, dtype=bool), -jnp.inf, -2 * t * (1 - cosine))
    return jax.nn.logsumexp(apart) - jnp.log(jnp.asarray(b * (b - 1), apart.dtype))


def similarities(a: Array, b: Array) -> tuple[Array, Array]:
    """a, b: [b, d] positive pairs -> the mean cosines of positives (a_i, b_i) and of negatives (a_i, b_j), i != j.

    Both are 1 at collapse; healthy embeddings have positives near 1 and negatives near 0.
    """
    cosine = _cosines(a, b)
    n = cosine.shape[0]
    positive = jnp.trace(cosine)
    return positive / n, (jnp.sum(cosine) - positive) / (n * (n - 1))


def entropies(logits: Array) -> tuple[Array, Array]:
    """[b, k] scores of prototypes or a teacher -> (mean entropy of the rows' softmaxes, entropy of their mean), nats.

    Both are log k where the output is uniform. Collapse to one prototype makes both 0; the ideal is a low first and a
    second near log k.
    """
    log_p = jax.nn.log_softmax(_wide(logits), -1)
    log_mean = jax.nn.logsumexp(log_p, 0) - jnp.log(jnp.asarray(log_p.shape[0], log_p.dtype))
    rows = -jnp.sum(jnp.exp(log_p) * log_p, -1)
    return jnp.mean(rows), -jnp.sum(jnp.exp(log_mean) * log_mean)


def prototype_use(logits: Array) -> Array:
    """[b, k] -> the share of the k prototypes that some example likes best: 1/k at collapse, at most min(1, b/k)."""
    best = jax.nn.one_hot(jnp.argmax(logits, -1), logits.shape[-1])
    return jnp.mean(jnp.max(best, 0))


def collapsed(z: Array) -> Array:
    """bool: `spread` is below 0.1 or the centred effective rank below max(2, 0.02 d). Warn at the third time."""
    rank = effective_rank(centred(z))
    return (spread(z) < 0.1) | (rank < max(2.0, 0.02 * z.shape[-1]))


REPORT = {
    "monitor/std": spread,
    "monitor/rank": effective_rank,
    "monitor/rank_centred": lambda z: effective_rank(centred(z)),
    "monitor/uniformity": uniformity,
    "monitor/dead": dead,
}
"""What an evaluation reports about a few thousand embeddings."""


def _wide(z: Array) -> Array:
    return z.astype(np.promote_types(z.dtype, np.float32))


def _cosines(a: Array, b: Array) -> Array:
    return jnp.dot(unit(a), unit(b).T, precision="highest")
