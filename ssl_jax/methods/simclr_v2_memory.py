"""SimCLR v2 with a memory (Chen et al. 2020, arXiv:2006.10029, section 2): an average's past keys are negatives too."""

from ssl_jax.criteria import lenses, queued
from ssl_jax.paradigms import encode, kept_head
from ssl_jax.paradigms.self_distillation import self_distillation
from ssl_jax.types import Card, Method, Net, Schedule

CARD = Card("SimCLR v2 with memory", "joint embedding", 2020, "arXiv:2006.10029")


def simclr_v2_memory(
    encoder: Net, projector: Net, *, ema_decay: Schedule, queue: int = 65536, temperature: float = 0.1
) -> Method:
    """As `simclr_v2`. ema_decay, queue: MoCo's 0.999 and 64K; a multiple of the batch.

    The authors have not released this part. Here positives and the negatives of the batch are the student's, as in
    SimCLR, and the average of it sees the first view alone, whose keys are kept. Batch statistics over both views.
    """
    criterion = lenses.at(queued.remembered(size=queue, temperature=temperature), name="projection")
    shown = dict(through=encode.joint, shown=encode.first_to_teacher)
    method = self_distillation(encoder, projector, criterion, ema_decay=ema_decay, **shown)
    return kept_head.with_first_layer(method, projector)
