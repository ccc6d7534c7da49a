"""Criteria without a state: the views of a batch compared with each other."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from ssl_jax.checks import ranges
from ssl_jax.criteria import views
from ssl_jax.losses import contrastive, distillation, redundancy
from ssl_jax.losses.precision import widen
from ssl_jax.types import Criterion, Pairs, Seen


def nt_xent(*, temperature: float = 0.1) -> Criterion:
    """SimCLR (arXiv:2002.05709, eq. 1) on all views of the student: [b, v, d], any norm."""
    ranges.above_zero(temperature=temperature)

    def loss(params, state, seen):
        return contrastive.nt_xent(seen.student, temperature), {}

    return views.stateless(loss, examples=2)


def decoupled(*, temperature: float = 0.1, sigma: float | None = None) -> Criterion:
    """DCL (arXiv:2110.06848, eq. 5) on all views of the student: [b, v, d], any norm; with a sigma DCLW (eq. 6)."""
    ranges.above_zero(temperature=temperature, **{} if sigma is None else {"sigma": sigma})

    def loss(params, state, seen):
        return contrastive.decoupled(seen.student, temperature, sigma=sigma), {}

    return views.stateless(loss, examples=2)


def byol(*, pairs: Pairs = views.crossed) -> Criterion:
    """BYOL (arXiv:2006.07733, eq. 2 and its symmetric twin): a sum over the teacher's views, 0..8 for two.

    student: [b, v, d], predictions; teacher: [b, w, d], projections. For each teacher view a mean over the student's
    other views: with v = w = 2 the sum over both assignments. pairs: which views are compared.
    """

    def loss(params, state, seen):
        return seen.teacher.shape[1] * _mean(distillation.cosine, seen, pairs), {}

    return views.stateless(loss, pairs=pairs)


def moco_v3(*, temperature: float = 1.0, pairs: Pairs = views.crossed) -> Criterion:
    """MoCo v3 (arXiv:2104.02057, algorithm 1): 2 temperature times the cross-entropy in the batch, summed as BYOL's.

    student: [b, v, d], predictions; teacher: [b, w, d], projections without gradient, which are the candidates; any
    norm. For each teacher view a mean over the student's other views: with v = w = 2 the sum of both directions.
    pairs: which views are compared.
    """
    ranges.above_zero(temperature=temperature)

    def loss(params, state, seen):
        found = _mean(lambda query, key: contrastive.in_batch(query, key, temperature), seen, pairs)
        return 2 * temperature * seen.teacher.shape[1] * found, {}

    return views.stateless(loss, examples=2, pairs=pairs)


def simsiam(*, pairs: Pairs = views.crossed) -> Criterion:
    """SimSiam (arXiv:2011.10566, eq. 2), -1..1: the mean of -cos over teacher views and the student's other views.

    student: [b, v, d], predictions; teacher: [b, w, d], projections without gradient. With v = w = 2, half and half.
    pairs: which views are compared.
    """

    def loss(params, state, seen):
        return _mean(distillation.negative_cosine, seen, pairs), {}

    return views.stateless(loss, pairs=pairs)


def rho_byol(*, temperature: float = 0.5, pairs: Pairs = views.crossed) -> Criterion:
    """rho-BYOL (arXiv:2104.14558, section 3): the mean of -cos / temperature over all ordered pairs of clips.

    student: [b, v, d], predictions of the v = rho clips of each video; teacher: [b, w, d], projections. Each clip asks
    all others in turn, rho (rho - 1) pairs. -1 / temperature..1 / temperature. pairs: which clips are compared.
    """
    ranges.above_zero(temperature=temperature)

    def loss(params, state, seen):
        return _mean(distillation.negative_cosine, seen, pairs) / temperature, {}

    return views.stateless(loss, pairs=pairs)


def barlow(*, off_diagonal: float = 0.0051, pairs: Pairs = views.unordered) -> Criterion:
    """Barlow Twins (arXiv:2103.03230, eq. 1), a mean over the pairs of views with a global one.

    student: [b, v, d], not normalized; of the teacher only the number of views is read. `off_diagonal` is lambda.
    pairs: which views of the student are compared.
    """

    ranges.zero_or_more(off_diagonal=off_diagonal)

    def loss(params, state, seen):
        return _mean_of_terms(lambda a, b: redundancy.barlow(a, b, off_diagonal=off_diagonal), seen, pairs)

    return views.stateless(loss, examples=2, pairs=pairs)


def vicreg(
    *,
    invariance: float = 25.0,
    variance: float = 25.0,
    covariance: float = 1.0,
    pairs: Pairs = views.unordered,
) -> Criterion:
    """VICReg (arXiv:2105.04906, eq. 6 and 7), a mean over the pairs of views with a global one.

    student: [b, v, d], not normalized; of the teacher only the number of views is read. pairs: which views of the
    student are compared.
    """
    return _weighted(redundancy.vicreg, pairs, invariance=invariance, variance=variance, covariance=covariance)


def vibcreg(
    *,
    invariance: float = 25.0,
    variance: float = 25.0,
    covariance: float = 200.0,
    pairs: Pairs = views.unordered,
) -> Criterion:
    """VIbCReg (arXiv:2109.00783, section 3; code), a mean over the pairs of views with a global one.

    student: [b, v, d], not normalized; of the teacher only the number of views is read. pairs: which views of the
    student are compared.
    """
    return _weighted(redundancy.vibcreg, pairs, invariance=invariance, variance=variance, covariance=covariance)


def across(*, temperature: float = 0.1, pairs: Pairs = views.unordered) -> Criterion:
    """InfoNCE between two views (DirectCLR's code, arXiv:2110.09348): each finds its partner among the other view of
    all examples, b candidates and none of its own view; both directions, a mean over the pairs of views.

    student: [b, v, d], any norm; of the teacher only the number of views is read. pairs: which views are compared.
    log b at collapse.
    """
    ranges.above_zero(temperature=temperature)

    def loss(params, state, seen):
        z, compared = seen.student, views.of(seen, pairs)
        return sum(contrastive.paired(z[:, t], z[:, s], 1 / temperature) for t, s in compared) / len(compared), {}

    return views.stateless(loss, examples=2, pairs=pairs)


def fast_siam() -> Criterion:
    """FastSiam (arXiv:2209.02315, section 3; lightly), -1..1: each view predicts the mean of the other views; a mean
    over the views.

    student: [b, v, d], predictions; teacher: [b, w, d], projections without gradient, any norm: longer ones weigh more
    in the mean, as in the code. SimSiam for v = w = 2.
    """

    def loss(params, state, seen):
        w, v = seen.teacher.shape[1], seen.student.shape[1]
        teacher = jax.lax.stop_gradient(widen(seen.teacher))
        total = jnp.sum(teacher, 1)
        targets = [(total - teacher[:, i]) / (w - 1) if i < w else total / w for i in range(v)]
        return sum(distillation.negative_cosine(seen.student[:, i], targets[i]) for i in range(v)) / v, {}

    def init(key, seen):
        if (w := seen.teacher.shape[1]) < 2:
            raise ValueError(f"this loss compares at least 2 views of an image, got {w}; raise the views' count")
        return {}, {}

    return Criterion(init, loss, lambda state, seen: state)


def _weighted(formula: Callable, pairs: Pairs, **weights: float) -> Criterion:
    ranges.zero_or_more(**weights)
    if not any(weights.values()):
        raise ValueError("invariance, variance and covariance are all 0: there is no loss; give one of them a weight")

    def loss(params, state, seen):
        return _mean_of_terms(lambda a, b: formula(a, b, **weights), seen, pairs)

    return views.stateless(loss, examples=2, pairs=pairs)


def _mean(distance: Callable, seen: Seen, pairs: Pairs):
    compared, teacher = views.of(seen, pairs), jax.lax.stop_gradient(seen.teacher)
    return sum(distance(seen.student[:, s], teacher[:, t]) for t, s in compared) / len(compared)


def _mean_of_terms(formula: Callable, seen: Seen, pairs: Pairs):
    results = [formula(seen.student[:, t], seen.student[:, s]) for t, s in views.of(seen, pairs)]
    terms = {f"redundancy/{name}": sum(r[1][name] for r in results) / len(results) for name in results[0][1]}
    return sum(value for value, _ in results) / len(results), terms
