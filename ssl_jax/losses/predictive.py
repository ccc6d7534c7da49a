"""Losses on grids of places, of which some are predicted from others."""

import chex
import jax
import jax.numpy as jnp

from ssl_jax.losses.precision import matmul, widen

Array = jax.Array


def rows_below(predictions: Array, targets: Array, *, offset: int) -> Array:
    """CPC's loss (arXiv:1905.09272, eq. 3): each prediction finds its target among all places of all images.

    predictions, targets: [b, r, c, d], of any norm, which counts; predictions[:, i] are of targets[:, i + offset], in
    the same image and column. A mean over the b (r - offset) c places that have such a target. Equal targets give
    log(b r c).
    """
    chex.assert_rank([predictions, targets], 4)
    chex.assert_equal_shape([predictions, targets])
    predictions, targets = widen(predictions)[:, :-offset], widen(targets)
    d = targets.shape[-1]
    positive = jnp.sum(predictions * targets[:, offset:], -1)
    logits = matmul(predictions.reshape(-1, d), targets.reshape(-1, d).T)
    return jnp.mean(jax.nn.logsumexp(logits, 1) - positive.reshape(-1))


def global_to_local(source: Array, target: Array, *, clip: float) -> tuple[Array, Array]:
    """AMDIM's loss (arXiv:1906.00910, sections 3.3 and 3.5): a vector of each image finds places of its other view.

    source: [b, d]; target: [b, l, d]; any norm, which counts. Scores are dot products over sqrt(d), soft-clipped to
    clip * tanh(score / clip). Each place of the own image is told from all places of the other images; the other places
    of the own image are no negatives. Returns the mean over b and l, and the mean square of the unclipped scores of all
    pairs, for the penalty. Equal vectors give log(1 + (b - 1) l); the order of places does not matter.
    """
    chex.assert_rank([source, target], [2, 3])
    chex.assert_equal_shape_prefix([source, target], 1)
    source, target = widen(source), widen(target)
    b, count, d = target.shape
    raw = matmul(source, target.reshape(b * count, d).T).reshape(b, b, count) / d**0.5
    scores = clip * jnp.tanh(raw / clip)
    own = jnp.eye(b, dtype=bool)[..., None]
    others = jax.nn.logsumexp(jnp.where(own, -jnp.inf, scores), (1, 2))
    positive = jnp.sum(jnp.where(own, scores, 0), 1)
    return jnp.mean(jnp.logaddexp(positive, others[:, None]) - positive), jnp.mean(jnp.square(raw))
