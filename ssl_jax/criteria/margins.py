"""Criteria of distances with a margin: pairs and triples of a batch."""

import jax
import jax.numpy as jnp

from ssl_jax.checks import ranges, spelling
from ssl_jax.criteria import views
from ssl_jax.losses import contrastive, margins
from ssl_jax.losses.precision import matmul
from ssl_jax.types import Array, Criterion, Key, Pairs

MINING = ("random", "semi_hard", "hardest")


def hadsell(*, margin: float = 1.0) -> Criterion:
    """The contrastive loss of Hadsell, Chopra and LeCun (CVPR 2006, eq. 4) on all views of the student: [b, v, d]."""
    ranges.above_zero(margin=margin)
    return _of_pairs(lambda z: margins.hadsell(z, margin))


def bromley(*, apart: float = -0.9) -> Criterion:
    """Bromley et al. (NIPS 1993) on all views of the student: [b, v, d], any norm. apart: the cosine that is wanted of
    different examples, -1..1 without 1."""
    if not -1 <= apart < 1:
        raise ValueError(f"apart is {apart}; it is a cosine, from -1 on and below 1")
    return _of_pairs(lambda z: margins.bromley(z, apart=apart))


def triplet(
    *, margin: float = 0.2, squared: bool = True, mining: str = "semi_hard", pairs: Pairs = views.crossed
) -> Criterion:
    """FaceNet (arXiv:1503.03832, eq. 2): a view is nearer to another view of its example than to one of another's.

    student: [b, v, d], normalized here. Of each pair of views the first is the anchor and the second the positive; the
    negative is of another example and of the positive's kind of view, found anew in each batch: mining says which,
    "random", "semi_hard" (the nearest of those that are farther than the positive) or "hardest" (the nearest). A mean
    over all triples. pairs: which views are compared. Metrics: "triplets/active", the share whose loss is not 0.
    """
    ranges.above_zero(margin=margin)
    if mining not in MINING:
        raise ValueError(spelling.unknown(mining, MINING, "the ways of mining"))

    def loss(params, state, seen):
        z, terms = contrastive.unit(seen.student), []
        for number, (t, s) in enumerate(views.of(seen, pairs)):
            anchor, positive = z[:, t], z[:, s]
            chosen = _mined(jax.random.fold_in(seen.key, number), anchor, positive, mining)
            terms.append(margins.triplet(anchor, positive, positive[chosen], margin, squared=squared))
        every = jnp.stack(terms)
        return jnp.mean(every), {"triplets/active": jnp.mean(every > 0)}

    return views.stateless(loss, examples=2, pairs=pairs)


def _mined(key: Key, anchor: Array, positive: Array, mining: str) -> Array:
    """The negative of each anchor, int32 [b], as a row of `positive` [b, d]; both are unit."""
    b = anchor.shape[0]
    if mining == "random":
        step = jax.random.randint(key, (b,), 1, b, jnp.int32)
        return (jnp.arange(b, dtype=jnp.int32) + step) % b
    anchor, positive = jax.lax.stop_gradient((anchor, positive))
    apart = -matmul(anchor, positive.T)  # of unit rows in the order of their distances
    return margins.hardest(apart) if mining == "hardest" else margins.semi_hard(apart)


def _of_pairs(formula) -> Criterion:
    return views.stateless(lambda params, state, seen: (formula(seen.student), {}), examples=2)
