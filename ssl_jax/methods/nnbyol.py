"""NNBYOL (after Dwibedi et al. 2021, arXiv:2104.14548; solo-learn): predict the average's nearest neighbor."""

from ssl_jax.criteria import lenses, neighbor_targets
from ssl_jax.paradigms.self_distillation import self_distillation
from ssl_jax.types import Card, Method, Net, Schedule

CARD = Card("NNBYOL", "joint embedding", 2021, "arXiv:2104.14548")


def nnbyol(encoder: Net, projector: Net, predictor: Net, *, ema_decay: Schedule, queue: int = 65536) -> Method:
    """Defaults of solo-learn; ema_decay: cosine from 0.99 to 1. queue: projections kept to be neighbors, a multiple of
    the batch.
    """
    criterion = lenses.at(neighbor_targets.byol(size=queue), name="prediction", teacher="projection")
    return self_distillation(encoder, projector, criterion, predictor=predictor, ema_decay=ema_decay)
