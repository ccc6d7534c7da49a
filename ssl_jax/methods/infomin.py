"""InfoMin (Tian et al. 2020, arXiv:2005.10243): MoCo v2 on strong views, and a jigsaw that finds the same key."""

from ssl_jax.checks import ranges
from ssl_jax.criteria import lenses, queued
from ssl_jax.paradigms import encode
from ssl_jax.paradigms.jigsaw import with_jigsaw
from ssl_jax.paradigms.self_distillation import self_distillation
from ssl_jax.types import Card, Method, Net, Schedule

CARD = Card("InfoMin", "joint embedding", 2020, "arXiv:2005.10243")


def infomin(
    encoder: Net,
    projector: Net,
    jigsaw_projector: Net,
    *,
    ema_decay: Schedule,
    queue: int = 65536,
    temperature: float = 0.15,
    jigsaw_weight: float = 0.5,
) -> Method:
    """Defaults of PyContrast, the authors' code; ema_decay: 0.999 there. queue: keys kept, a multiple of the batch.

    Nine pieces in random order, the views "patches", find the same key as the student's view, of the same queue, into
    which no pieces come. jigsaw_weight: beta; without it this is `moco_v2`, whose shuffle of keys it has.
    """
    ranges.share(jigsaw_weight=jigsaw_weight)
    criterion = lenses.at(queued.queued(size=queue, temperature=temperature), name="projection")
    options = dict(ema_decay=ema_decay, arrange=encode.shuffled, shown=encode.apart)
    method = self_distillation(encoder, projector, criterion, **options)
    return with_jigsaw(method, encoder, jigsaw_projector, criterion, weight=jigsaw_weight)
