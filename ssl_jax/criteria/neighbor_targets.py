"""NNBYOL's criterion: the target is not the other view, but what of the past is nearest to it."""

import jax.numpy as jnp

from ssl_jax.checks import ranges
from ssl_jax.criteria import views
from ssl_jax.losses import contrastive, distillation
from ssl_jax.losses.precision import wide
from ssl_jax.state import queue
from ssl_jax.types import Criterion, Pairs


def byol(*, size: int = 65536, pairs: Pairs = views.crossed) -> Criterion:
    """BYOL's loss with neighbors of the teacher's projections as targets (arXiv:2104.14548, section 3; solo-learn's
    NNBYOL): a sum over the teacher's views, 0..8 for two.

    student: [b, v, d], predictions; teacher: [b, w, d], projections; any norm. Each teacher view's row of greatest
    cosine among past ones is what the student's other views predict. The loss sees the queue as it was before this
    batch; `update` puts the teacher's first view into it. State: a Queue of `size` unit rows. Metrics:
    "neighbors/similarity" of the first view, and "neighbors/random", the share of its neighbors that are rows of the
    start. `init` raises ValueError if `size` is no multiple of the batch.
    """
    ranges.above_zero(size=size)

    def init(key, seen):
        views.require(seen, pairs=pairs)
        b, _, d = seen.teacher.shape
        return {}, queue.init(key, size, (d,), write=b, dtype=wide(seen.teacher.dtype))

    def loss(params, state, seen):
        w, compared = seen.teacher.shape[1], views.of(seen, pairs)
        found = [queue.nearest(state, seen.teacher[:, t]) for t in range(w)]
        each = [distillation.cosine(seen.student[:, s], found[t][0]) for t, s in compared]
        first, index = found[0]
        return w * sum(each) / len(each), {
            "neighbors/similarity": jnp.mean(jnp.sum(contrastive.unit(seen.teacher[:, 0]) * first, -1)),
            "neighbors/random": jnp.mean(index >= state.filled),
        }

    def update(state, seen):
        return queue.write(state, contrastive.unit(seen.teacher[:, 0]))

    return Criterion(init, loss, update)
