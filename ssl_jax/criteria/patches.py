"""Criteria of masked models.

Each sees the m hidden patches of every example, or all l of them where the batch says which are `hidden`, bool [b, l].
Those that compare numbers log "mean_target": what the same error is for whoever answers every place with the mean of
the batch's targets, and has seen no image. A loss above it has learned nothing yet.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from ssl_jax.losses import chamfer as distances
from ssl_jax.losses import clustering, latent, reconstruction
from ssl_jax.losses.codes import entropy
from ssl_jax.losses.precision import widen
from ssl_jax.types import Array, Criterion, Metrics, Seen


def squared() -> Criterion:
    """MAE (arXiv:2111.06377, section 3): the mean squared error of the hidden patches.

    student: [b, m, p], predictions of the m hidden patches of each example; teacher: [b, m, p], their targets, in
    which no gradient flows. As every example hides as many, this is the mean over all hidden patches of the batch.
    """

    def loss(params, state, seen):
        return _beside_mean(lambda p, t: _over_hidden(reconstruction.squared(p, t), seen), seen)

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
        def error(prediction, target):
            errors = latent.smooth_l1(prediction, target, beta=beta)
            return reconstruction.masked_mean(errors, seen.batch["counts"])

        return _beside_mean(error, seen)

    return Criterion(lambda key, seen: ({}, {}), loss, lambda state, seen: state)


def absolute() -> Criterion:
    """SimMIM (arXiv:2111.09886, eq. 1; code): the absolute error of hidden pixels, over their number and the channels.

    student: [b, l, c s s], pixels of the squares of s x s that tokens stand for; teacher: their targets, in which no
    gradient flows; hidden: bool [b, l, s s]. All hidden pixels of the batch count alike.
    """

    def loss(params, state, seen):
        return _beside_mean(lambda p, t: reconstruction.hidden_absolute(p, t, seen.batch["hidden"]), seen)

    return Criterion(lambda key, seen: ({}, {}), loss, lambda state, seen: state)


def codes() -> Criterion:
    """Cross-entropy of hidden patches (BEiT, arXiv:2106.08254, eq. 1; MAE, arXiv:2111.06377, table 1d).

    student: [b, m, k], logits; teacher: int32 [b, m], classes. Logs the share of hidden patches that are right, and
    what is paid for all by whoever knows how often each code comes.
    """

    def loss(params, state, seen):
        logits, code = widen(seen.student), seen.teacher
        hidden = seen.batch.get("hidden")
        right = (jnp.argmax(logits, -1).astype(code.dtype) == code).astype(logits.dtype)
        value = clustering.labeled(logits, code if hidden is None else jnp.where(hidden, code, -1))
        top1 = jax.lax.stop_gradient(_over_hidden(right, seen))
        return value, {"codes/top1": top1, "codes/entropy": entropy(code, logits.shape[-1])}

    return Criterion(lambda key, seen: ({}, {}), loss, lambda state, seen: state)


def _beside_mean(error: Callable[[Array, Array], Array], seen: Seen) -> tuple[Array, Metrics]:
    """The error of the prediction, and that of the mean of all targets [b, l, p] of the batch."""
    target = jax.lax.stop_gradient(seen.teacher)
    mean = jnp.broadcast_to(jnp.mean(widen(target), (0, 1)), target.shape)
    return error(seen.student, target), {"mean_target": error(mean, target)}


def _over_hidden(values: Array, seen: Seen) -> Array:
    """The mean over patches [b, l] that are hidden, which all are where the batch does not say."""
    hidden = seen.batch.get("hidden")
    return jnp.mean(values) if hidden is None else reconstruction.masked_mean(values, hidden)
