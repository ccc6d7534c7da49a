"""Losses that pull a student towards a target."""

from collections.abc import Sequence

import chex
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
    chex.assert_equal_shape([prediction, target])
    return -jnp.mean(jnp.sum(unit(prediction) * unit(target), -1))


def cross_entropy(target: Array, logits: Array) -> Array:
    """- sum_k target log softmax(logits), a mean over the rows (arXiv:2104.14294, eq. 2).

    target: [..., k], probabilities; logits: [..., k], divided by the student's temperature already.
    """
    chex.assert_equal_shape([target, logits])
    return -jnp.mean(jnp.sum(widen(target) * jax.nn.log_softmax(widen(logits)), -1))


def hidden_cross_entropy(target: Array, logits: Array, hidden: Array) -> Array:
    """iBOT's loss of patches (arXiv:2111.07832, section 3.1; code): mean over what an example hides, mean over b.

    target: [b, l, k], probabilities; logits: [b, l, k], divided by the temperature already; hidden: bool [b, l]. An
    example that hides nothing counts as 0.
    """
    chex.assert_rank([target, logits, hidden], [3, 3, 2])
    count = jnp.broadcast_to(jnp.sum(hidden, 1, keepdims=True), hidden.shape)
    return listed_cross_entropy(target, logits, hidden, count) / len(hidden)


def listed_cross_entropy(target: Array, logits: Array, real: Array, count: Array) -> Array:
    """The same loss of a list of hidden patches, a sum over images (DINOv2, arXiv:2304.07193, code).

    target: [..., k], probabilities; logits: [..., k], divided by the temperature already; real: bool [...], whether the
    entry is a hidden patch, which are all that count; count: [...], how many patches its image hides.
    """
    chex.assert_equal_shape([target, logits])
    chex.assert_shape([real, count], target.shape[:-1])
    rows = -jnp.sum(widen(target) * jax.nn.log_softmax(widen(logits)), -1)
    return jnp.sum(jnp.where(real, rows / jnp.maximum(count, 1).astype(rows.dtype), 0))


def softened(teacher: Array, student: Array, temperature: float) -> Array:
    """tau^2 KL(p_t || p_s) of softmaxes at one temperature (arXiv:1503.02531, section 2), a mean over the rows.

    teacher, student: [..., k], logits. tau^2 keeps the gradients' size at any temperature: for a high one they are
    those of half the squared difference of centered logits, over k.
    """
    chex.assert_equal_shape([teacher, student])
    p, q = (jax.nn.log_softmax(widen(x) / temperature) for x in (teacher, student))
    return temperature**2 * jnp.mean(jnp.sum(jnp.exp(p) * (p - q), -1))


def squared(prediction: Array, target: Array) -> Array:
    """||prediction - target||^2 (FitNets, arXiv:1412.6550, eq. 3, without its half), a mean over rows of [..., d]."""
    chex.assert_equal_shape([prediction, target])
    return jnp.mean(jnp.sum((widen(prediction) - widen(target)) ** 2, -1))


def across_views(targets: Array, logits: Array, *, pairs: Sequence[tuple[int, int]] | None = None) -> Array:
    """Cross-entropy of each target view with every *other* student view, a mean over the pairs t != s.

    targets: [b, w, k], probabilities; logits: [b, v, k], divided by the temperature; view t of one is view t of the
    other, and w + v > 2. pairs: (t, s), in place of these. DINO (arXiv:2104.14294, eq. 3, which sums the pairs; the
    code takes this mean) and SwAV with multi-crop (arXiv:2006.09882, section 3.2) share it.
    """
    chex.assert_rank([targets, logits], 3)
    w, v = targets.shape[1], logits.shape[1]
    pairs = [(t, s) for t in range(w) for s in range(v) if t != s] if pairs is None else pairs
    total = jnp.zeros((), widen(logits).dtype)
    for s in range(v):
        partners = [targets[:, t] for t, other in pairs if other == s]
        if partners:
            total += cross_entropy(sum(partners[1:], partners[0]), logits[:, s])  # linear in its target
    return total / len(pairs)
