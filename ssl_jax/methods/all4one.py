"""All4One (Estepa et al. 2023, arXiv:2303.09417): NNCLR, centroids of more neighbors, and features that differ."""

from ssl_jax.criteria import symbiotic
from ssl_jax.paradigms.self_distillation import self_distillation
from ssl_jax.types import Card, Method, Net, Schedule

CARD = Card("All4One", "joint embedding", 2023, "arXiv:2303.09417")


def all4one(
    encoder: Net,
    projector: Net,
    predictor: Net,
    second_predictor: Net,
    transformer: Net,
    *,
    ema_decay: Schedule,
    queue: int = 98304,
    neighbors: int = 5,
    temperature: float = 0.2,
    centroid_temperature: float = 0.1,
) -> Method:
    """Defaults of the authors' code in solo-learn; ema_decay: cosine from 0.99 to 1. queue: projections kept to be
    neighbors, a multiple of the batch.

    transformer: `neighbor_transformer`, which makes a centroid of the neighbors; its rate is a tenth of the others'
    there. The centroids' temperature is the code's default, which its recipes leave. Each view has batch statistics of
    its own.
    """
    temperatures = dict(temperature=temperature, centroid_temperature=centroid_temperature)
    criterion = symbiotic.symbiotic(transformer, size=queue, count=neighbors, **temperatures)
    heads = dict(predictor=predictor, second_predictor=second_predictor)
    return self_distillation(encoder, projector, criterion, ema_decay=ema_decay, **heads)
