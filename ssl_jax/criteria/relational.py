"""ReSSL's criterion: how similar an example is to past ones, seen by the teacher and by the student."""

import jax

from ssl_jax import monitors
from ssl_jax.checks import ranges
from ssl_jax.criteria import views
from ssl_jax.losses import contrastive, distillation
from ssl_jax.losses.precision import matmul, wide
from ssl_jax.state import queue
from ssl_jax.types import Criterion, Pairs


def relational(
    *,
    size: int = 131072,
    teacher_temperature: float = 0.04,
    student_temperature: float = 0.1,
    pairs: Pairs = views.every,
) -> Criterion:
    """ReSSL (arXiv:2107.09282, section 3; code): the student has the teacher's similarities to past keys.

    student: [b, v, d], teacher: [b, w, d], any norm. A mean over the pairs of the cross-entropy between softmaxes over
    the queue; the teacher's is the sharper one, and the pair itself is not among them. The loss sees the queue as it
    was before this batch; `update` puts the teacher's last view into it. State: a Queue of `size` unit rows. log(size)
    at collapse; at least the teacher's entropy, the metric "teacher/entropy". `init` raises ValueError if `size` is no
    multiple of the batch.
    """
    ranges.above_zero(size=size, teacher_temperature=teacher_temperature, student_temperature=student_temperature)

    def init(key, seen):
        views.require(seen, pairs=pairs)
        b, _, d = seen.teacher.shape
        return {}, queue.init(key, size, (d,), write=b, dtype=wide(seen.teacher.dtype))

    def loss(params, state, seen):
        teacher, past = jax.lax.stop_gradient((seen.teacher, state.rows))
        target = jax.nn.softmax(matmul(contrastive.unit(teacher), past.T) / teacher_temperature)
        logits = matmul(contrastive.unit(seen.student), past.T) / student_temperature
        each = [distillation.cross_entropy(target[:, t], logits[:, s]) for t, s in views.of(seen, pairs)]
        metrics = {"teacher/entropy": monitors.entropy(target), "teacher/evenness": monitors.evenness(target)}
        return sum(each) / len(each), metrics

    def update(state, seen):
        return queue.write(state, contrastive.unit(seen.teacher[:, -1]))

    return Criterion(init, loss, update)
