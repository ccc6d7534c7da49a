"""Losses of pairs and triples that ask for a distance, and no more where it is kept."""

import chex
import jax
import jax.numpy as jnp

from ssl_jax.losses import distances
from ssl_jax.losses.contrastive import unit
from ssl_jax.losses.precision import matmul, widen

Array = jax.Array


def hadsell(views: Array, margin: float | Array) -> Array:
    """Hadsell, Chopra and LeCun (CVPR 2006, eq. 4; see arXiv:1911.05722, section 2): D^2 / 2
    of similar pairs and max(0, margin - D)^2 / 2 of others, D their L2 distance.

    views: [b, v, d] with b, v >= 2, not normalized. Similar are the views of one example, dissimilar all pairs of views
    of two examples; the sum of both means, as there are some b times as many dissimilar pairs. Equal embeddings give
    margin^2 / 2, with a gradient of 0.
    """
    z, alike, other = _pairs(widen(views))
    d, margin = distances.between(z, alike | other), jnp.asarray(margin, z.dtype)
    return _mean(jnp.square(d), alike) / 2 + _mean(jnp.square(jnp.maximum(margin - d, 0)), other) / 2


def bromley(views: Array, *, apart: float = -0.9) -> Array:
    """Bromley et al. (NIPS 1993; see arXiv:2011.10566, section 1): the squared difference of
    the cosine of a pair from 1 where it is similar, and from `apart` where not.

    views: [b, v, d] with b, v >= 2, any norm; pairs and their means are those of `hadsell`. Equal embeddings give
    (1 - apart)^2, with a gradient of 0.
    """
    z, alike, other = _pairs(unit(views))
    cosine = matmul(z, z.T)
    return _mean(jnp.square(1 - cosine), alike) + _mean(jnp.square(cosine - apart), other)


def triplet(anchor: Array, positive: Array, negative: Array, margin: float | Array, *, squared: bool = True) -> Array:
    """FaceNet's loss (arXiv:1503.03832, eq. 2): max(0, D(a, p)^2 - D(a, n)^2 + margin) for each row, [b].

    anchor, positive, negative: [b, d]; whether they are normalized is left to others. squared: False for the distances
    themselves (arXiv:1703.07737, eq. 1). Equal embeddings give the margin, with a gradient of 0.
    """
    chex.assert_rank([anchor, positive, negative], 2)
    chex.assert_equal_shape([anchor, positive, negative])
    anchor, positive, negative = widen(anchor), widen(positive), widen(negative)
    near, far = (jnp.sum(jnp.square(anchor - x), 1) for x in (positive, negative))
    near, far = (near, far) if squared else (distances.root(near), distances.root(far))
    return jnp.maximum(near - far + jnp.asarray(margin, near.dtype), 0)


def hardest(apart: Array) -> Array:
    """For each anchor its nearest negative (batch-hard, arXiv:1703.07737, eq. 5): int32 [b].

    apart: [b, b], the distance from each anchor to each candidate, of which the diagonal are the positives.
    """
    return jnp.argmin(jnp.where(_own(apart), jnp.inf, apart), 1).astype(jnp.int32)


def semi_hard(apart: Array) -> Array:
    """For each anchor the nearest of the negatives that are farther than its positive, int32 [b]; `apart` as above.

    arXiv:1503.03832, eq. 4. Where none is farther, the farthest, as TensorFlow Addons has it.
    """
    own, positive = _own(apart), jnp.diagonal(apart)[:, None]
    farther = jnp.where(~own & (apart > positive), apart, jnp.inf)
    farthest = jnp.argmax(jnp.where(own, -jnp.inf, apart), 1)
    return jnp.where(jnp.isfinite(jnp.min(farther, 1)), jnp.argmin(farther, 1), farthest).astype(jnp.int32)


def _own(apart: Array) -> Array:
    return jnp.eye(apart.shape[0], dtype=bool)


def _pairs(views: Array) -> tuple[Array, Array, Array]:
    """Views as rows [n, d], and which pairs of them are of one example and which of two, bool [n, n]."""
    chex.assert_rank(views, 3)
    b, v, d = views.shape
    example = jnp.arange(b * v) // v
    same = example[:, None] == example[None]
    return views.reshape(b * v, d), same & ~jnp.eye(b * v, dtype=bool), ~same


def _mean(values: Array, chosen: Array) -> Array:
    return jnp.sum(jnp.where(chosen, values, jnp.zeros((), values.dtype))) / jnp.sum(chosen).astype(values.dtype)
