"""MoCo v1 (He et al. 2019, arXiv:1911.05722): a query against its key and a queue of past keys."""

from ssl_jax.criteria import lenses, queued
from ssl_jax.paradigms import encode
from ssl_jax.paradigms.self_distillation import self_distillation
from ssl_jax.types import Card, Method, Net, Schedule

CARD = Card("MoCo v1", "joint embedding", 2019, "arXiv:1911.05722")


def moco_v1(
    encoder: Net, projector: Net, *, ema_decay: Schedule, queue: int = 65536, temperature: float = 0.07
) -> Method:
    """`moco_v2` at another temperature: the versions differ in head, views and schedule, which the recipe has.

    projector: `linear` in the paper. ema_decay: 0.999. queue: keys kept, a multiple of the batch. The keys' batch is
    shuffled, for batch norm in groups.
    """
    criterion = lenses.at(queued.queued(size=queue, temperature=temperature), name="projection")
    return self_distillation(
        encoder, projector, criterion, ema_decay=ema_decay, arrange=encode.shuffled, shown=encode.apart
    )
