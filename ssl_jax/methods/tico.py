"""TiCo (Zhu et al. 2022, arXiv:2206.10698): agree with one's average, away from directions that are taken."""

from ssl_jax.criteria import covariance, lenses
from ssl_jax.paradigms import encode
from ssl_jax.paradigms.self_distillation import self_distillation
from ssl_jax.types import Card, Method, Net, Schedule

CARD = Card("TiCo", "joint embedding", 2022, "arXiv:2206.10698")


def tico(encoder: Net, projector: Net, *, ema_decay: Schedule, beta: float = 0.9, rho: float = 8.0) -> Method:
    """ema_decay: cosine from 0.99 to 1. beta: what survives of the covariance in a step. rho: the weight of the second
    term; these are the paper's. One direction (algorithm 1): the student sees the first view, the teacher the last.
    """
    criterion = lenses.at(covariance.tico(beta=beta, rho=rho), name="projection")
    return self_distillation(encoder, projector, criterion, ema_decay=ema_decay, shown=encode.apart)
