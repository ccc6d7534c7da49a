"""MoCo v3 (Chen et al. 2021, arXiv:2104.02057): the prediction of a view finds the key of the other in the batch."""

from ssl_jax.criteria import lenses, pairs
from ssl_jax.paradigms.self_distillation import self_distillation
from ssl_jax.types import Card, Method, Net, Schedule

CARD = Card("MoCo v3", "joint embedding", 2021, "arXiv:2104.02057")


def moco_v3(encoder: Net, projector: Net, predictor: Net, *, ema_decay: Schedule, temperature: float = 1.0) -> Method:
    """ema_decay: cosine from 0.99 to 1, from 0.996 for 1000 epochs. temperature: 1 with a ResNet-50, 0.2 with a ViT.

    No queue, and the whole batch is one for batch norm: a large batch takes the place of both. The random patch
    projection of a ViT stays as it is, by a group of the recipe's optimizer:
    dict(match="^encoder/patch_embed/", freeze="always").
    """
    criterion = lenses.at(pairs.moco_v3(temperature=temperature), name="prediction", teacher="projection")
    return self_distillation(encoder, projector, criterion, predictor=predictor, ema_decay=ema_decay)
