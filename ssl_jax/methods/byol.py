"""BYOL (Grill et al. 2020, arXiv:2006.07733): predict what the average of one's own past sees in the other view."""

from ssl_jax.criteria import lenses, pairs
from ssl_jax.paradigms.self_distillation import self_distillation
from ssl_jax.types import Card, Method, Net, Schedule

CARD = Card("BYOL", "joint embedding", 2020, "arXiv:2006.07733")


def byol(encoder: Net, projector: Net, predictor: Net, *, ema_decay: Schedule) -> Method:
    """ema_decay: cosine from 0.996 to 1 for 1000 epochs, from 0.99 for 300 (section 3.2 and the official presets)."""
    criterion = lenses.at(pairs.byol(), name="prediction", teacher="projection")
    return self_distillation(encoder, projector, criterion, predictor=predictor, ema_decay=ema_decay)
