"""rho-BYOL (Feichtenhofer et al. 2021, arXiv:2104.14558): clips of one video predict each other."""

from ssl_jax.criteria import lenses, pairs
from ssl_jax.paradigms.self_distillation import self_distillation
from ssl_jax.types import Card, Method, Net, Schedule

CARD = Card("rho-BYOL", "joint embedding", 2021, "arXiv:2104.14558", needs=("clip",))


def rho_byol(encoder: Net, projector: Net, predictor: Net, *, ema_decay: Schedule, temperature: float = 0.5) -> Method:
    """The views are rho clips of each video, `count` in the recipe (2 by default in the paper, 3 and 4 are better).

    ema_decay: cosine from 0.996 to 1. temperature: of the loss, -cos / temperature for each clip and each other one.
    Each clip has batch statistics of its own, over one clip of every video, as in the released code (PySlowFast).
    """
    criterion = lenses.at(pairs.rho_byol(temperature=temperature), name="prediction", teacher="projection")
    return self_distillation(encoder, projector, criterion, predictor=predictor, ema_decay=ema_decay)
