"""MSN (Assran et al. 2022, arXiv:2204.07141): a view without some of its patches has the whole one's prototypes."""

from ssl_jax.checks import ranges
from ssl_jax.criteria import lenses, masked_siamese
from ssl_jax.paradigms import encode
from ssl_jax.paradigms.self_distillation import by_teacher, self_distillation
from ssl_jax.tasks import masks
from ssl_jax.types import Card, Method, Net, Schedule

CARD = Card("MSN", "joint embedding", 2022, "arXiv:2204.07141")


def msn(
    encoder: Net,
    projector: Net,
    *,
    ema_decay: Schedule,
    target_temperature: Schedule,
    drop: float = 0.15,
    prototypes: int = 1024,
    temperature: float = 0.1,
    iterations: int = 3,
    weight: float = 1.0,
) -> Method:
    """Defaults of the official ViT-S/16; ema_decay: linear from 0.996 to 1 over 1.25 times the run;
    target_temperature: 0.25. drop: the share of patches that the student's full-size views lose. weight: of me-max.
    iterations: of Sinkhorn.

    The teacher sees the last full-size view, whole, the student all others; the teacher is evaluated.
    """
    ranges.below_one(drop=drop)
    options = dict(prototypes=prototypes, temperature=temperature, iterations=iterations, weight=weight)
    criterion = lenses.at(
        masked_siamese.masked_siamese(target_temperature=target_temperature, **options), name="projection"
    )
    sides = dict(ema_decay=ema_decay, through=encode.joint, shown=encode.apart, keep=masks.dropping(drop))
    return by_teacher(self_distillation(encoder, projector, criterion, **sides), encoder)
