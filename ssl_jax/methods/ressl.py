"""ReSSL (Zheng et al. 2021, arXiv:2107.09282): be as similar to others as the teacher finds the plain image to be."""

from ssl_jax.criteria import lenses, relational
from ssl_jax.paradigms import encode
from ssl_jax.paradigms.self_distillation import self_distillation
from ssl_jax.types import Card, Method, Net, Schedule

CARD = Card("ReSSL", "joint embedding", 2021, "arXiv:2107.09282")


def ressl(
    encoder: Net,
    projector: Net,
    *,
    ema_decay: Schedule,
    queue: int = 131072,
    teacher_temperature: float = 0.04,
    student_temperature: float = 0.1,
) -> Method:
    """Defaults of the official code; ema_decay: 0.999 there. queue: keys kept, a multiple of the batch.

    The teacher sees the last full-size view, which the recipe augments weakly, the student all others. The keys' batch
    is shuffled as MoCo's.
    """
    criterion = relational.relational(
        size=queue, teacher_temperature=teacher_temperature, student_temperature=student_temperature
    )
    options = dict(ema_decay=ema_decay, arrange=encode.shuffled, shown=encode.apart)
    return self_distillation(encoder, projector, lenses.at(criterion, name="projection"), **options)
