"""MoCo v2 (Chen et al. 2020, arXiv:2003.04297): a query against its key and a queue of past keys."""

from ssl_jax.criteria import lenses, queued
from ssl_jax.paradigms import encode
from ssl_jax.paradigms.self_distillation import self_distillation
from ssl_jax.types import Card, Method, Net, Schedule

CARD = Card("MoCo v2", "joint embedding", 2020, "arXiv:2003.04297")


def moco_v2(
    encoder: Net, projector: Net, *, ema_decay: Schedule, queue: int = 65536, temperature: float = 0.2
) -> Method:
    """ema_decay: 0.999 in the paper. queue: keys kept, a multiple of the batch.

    The keys' batch is shuffled, which matters where the encoder's batch norm works in groups (`groups=8` is the
    paper's 8 GPUs) and changes nothing where it is global.
    """
    criterion = lenses.at(queued.queued(size=queue, temperature=temperature), name="projection")
    return self_distillation(
        encoder, projector, criterion, ema_decay=ema_decay, arrange=encode.shuffled, shown=encode.apart
    )
