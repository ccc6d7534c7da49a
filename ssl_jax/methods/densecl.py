"""DenseCL (Wang et al. 2020, arXiv:2011.09157): MoCo v2 for the image, and the same for each place and its match."""

from ssl_jax.checks import ranges
from ssl_jax.criteria import lenses, queued
from ssl_jax.paradigms import encode
from ssl_jax.paradigms.self_distillation import self_distillation
from ssl_jax.types import Card, Method, Net, Schedule

CARD = Card("DenseCL", "joint embedding", 2020, "arXiv:2011.09157")


def densecl(
    encoder: Net,
    projector: Net,
    dense_projector: Net,
    *,
    ema_decay: Schedule,
    queue: int = 65536,
    temperature: float = 0.2,
    dense_weight: float = 0.5,
) -> Method:
    """ema_decay: 0.999 in the code. queue: keys kept of images, and as many of places; a multiple of the batch.

    dense_projector: a head of each place of the encoder's last map (1x1 convolutions there), without batch norm.
    dense_weight: lambda of eq. 4, of the dense term; the other one has the rest of 1. The keys' batch is shuffled as in
    MoCo, the maps with it, and all of it goes back.
    """
    ranges.share(dense_weight=dense_weight)
    options = dict(size=queue, temperature=temperature)
    images, places = lenses.at(queued.queued(**options), name="projection"), queued.dense(**options)
    criterion = lenses.total(images=(1 - dense_weight, images), places=(dense_weight, places))
    more = dict(ema_decay=ema_decay, dense=dense_projector, arrange=encode.shuffled, shown=encode.apart)
    return self_distillation(encoder, projector, criterion, **more)
