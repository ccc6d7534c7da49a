"""MoCo v2+ (symmetric MoCo v2 of Chen and He 2020, arXiv:2011.10566, table 4): each view finds the key of the other."""

from ssl_jax.criteria import lenses, queued
from ssl_jax.paradigms import encode
from ssl_jax.paradigms.self_distillation import self_distillation
from ssl_jax.types import Card, Method, Net, Schedule

CARD = Card("MoCo v2+", "joint embedding", 2020, "arXiv:2011.10566")


def moco_v2_plus(
    encoder: Net, projector: Net, *, ema_decay: Schedule, queue: int = 65536, temperature: float = 0.2
) -> Method:
    """`moco_v2` in both directions, as solo-learn has it: a queue for the keys of each view, the mean of both losses.

    queue: keys kept of each view, a multiple of the batch. The keys' batch is shuffled, which matters where the
    encoder's batch norm works in groups and changes nothing where it is global, as there.
    """
    criterion = lenses.at(queued.symmetric(size=queue, temperature=temperature), name="projection")
    return self_distillation(encoder, projector, criterion, ema_decay=ema_decay, arrange=encode.shuffled)
