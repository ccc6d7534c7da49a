"""PMSN (Assran et al. 2022, arXiv:2210.07277): MSN for data of unequal classes, whose prior is a power law."""

from ssl_jax.checks import ranges
from ssl_jax.criteria import lenses, masked_siamese
from ssl_jax.paradigms import encode
from ssl_jax.paradigms.self_distillation import by_teacher, self_distillation
from ssl_jax.tasks import masks
from ssl_jax.types import Card, Method, Net, Schedule

CARD = Card("PMSN", "joint embedding", 2022, "arXiv:2210.07277")


def pmsn(
    encoder: Net,
    projector: Net,
    *,
    ema_decay: Schedule,
    target_temperature: Schedule,
    exponent: float = 0.25,
    prior_first: bool = False,
    drop: float = 0.15,
    prototypes: int = 1024,
    temperature: float = 0.1,
    iterations: int = 0,
    weight: float = 1.0,
) -> Method:
    """exponent: of the prior; 0 is MSN. prior_first: which way the divergence goes, see the criterion. iterations: of
    Sinkhorn on the targets, which would pull them back to a uniform prior; 3 in lightly. The rest: as `msn`.
    """
    ranges.below_one(drop=drop)
    options = dict(prototypes=prototypes, temperature=temperature, iterations=iterations, weight=weight)
    prior = dict(exponent=exponent, prior_first=prior_first)
    made = masked_siamese.masked_siamese(target_temperature=target_temperature, **options, **prior)
    sides = dict(ema_decay=ema_decay, through=encode.joint, shown=encode.apart, keep=masks.dropping(drop))
    return by_teacher(self_distillation(encoder, projector, lenses.at(made, name="projection"), **sides), encoder)
