"""MMCR (Yerxa et al. 2023, arXiv:2303.03307): centroids of examples spread over as many directions as there are."""

from ssl_jax.criteria import lenses, spectral
from ssl_jax.paradigms import encode
from ssl_jax.paradigms.self_distillation import self_distillation
from ssl_jax.types import Card, Method, Net, Schedule

CARD = Card("MMCR", "joint embedding", 2023, "arXiv:2303.03307")


def mmcr(encoder: Net, projector: Net, *, ema_decay: Schedule, local_weight: float = 0.0) -> Method:
    """The official code's objective for ImageNet, in which the average's views are half of each centroid; ema_decay:
    0.99 there. All views share batch statistics, and both networks see all of them.
    """
    criterion = lenses.at(spectral.mmcr(local_weight=local_weight), name="projection")
    return self_distillation(encoder, projector, criterion, ema_decay=ema_decay, through=encode.joint)
