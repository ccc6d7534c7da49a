"""Losses that pull a student towards a target."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp

from ssl_jax.losses.contrastive import unit
from ssl_jax.losses.precision import widen

Array = jax.Array


def cosine(prediction: Array, target: Array) -> Array:
    """BYOL's squared distance of unit vectors, 2 - 2 cos in 0..4 (arXiv:2006.07733, eq. 2), a mean over the rows.

    prediction, target: [..., d], any norm. The caller stops the gradient of the target.
    """
    return 2 + 2 * negative_cosine(prediction, target)


def negative_cosine(prediction: Array, target: Array) -> Array:
    """SimSiam's -cos in -1..1 (arXiv:2011.10566, eq. 1), a mean over the rows.

    prediction, target: [..., d], any norm. The caller stops the gradient of the target.
    """
    return -jnp.mean(jnp.sum(unit(prediction) * unit(target), -1))


def cross_entropy(target: Array, logits: Array) -> Array:
    """- sum_k target log softmax(logits), a mean over the rows (arXiv:2104.14294, eq. 2).

    target: [..., k], probabilities; logits: [..., k], divided by the student's temperature already.
    """
    return -jnp.mean(jnp.sum(widen(target) * jax.nn.log_softmax(widen(logits)), -1))


def across_views(targets: Array, logits: Array, *, pairs: Sequence[tuple[int, int]] | None = None) -> Array:
    """Cross-entropy of each target view with every *other* student view, a mean over the pairs t != s.

    targets: [b, w, k], probabilities; logits: [b, v, k], divided by the temperature; view t of one is view t of the
    other, and w + v > 2. pairs: (t, s), in place of these. DINO (arXiv:2104.14294, eq. 3, which sums the pairs; the
    code takes this mean) and SwAV with multi-crop (arXiv:2006.09882, section 3.2) share it.
    """
    w, v = targets.shape[1], logits.shape[1]
    pairs = [(t, s) for t in range(w) for s in range(v) if t != s] if pairs is None else pairs
    total = jnp.zeros((), widen(logits).dtype)
    for s in range(v):
        partners = [targets[:, t] for t, other in pairs if other == s]
        if partners:
            total += cross_entropy(sum(partners[1:], partners[0]), logits[:, s])  # linear in its target
    return total / len(pairs)
