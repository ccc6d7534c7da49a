"""CPC v2 (Hénaff et al. 2019, arXiv:1905.09272): patches of an image predict others, of which none saw the other."""

from ssl_jax.criteria import predicted
from ssl_jax.paradigms.predictive import predictive
from ssl_jax.types import Card, Method, Net

CARD = Card("CPC v2", "joint embedding", 2019, "arXiv:1905.09272")


def cpc_v2(
    encoder: Net,
    projector: Net,
    context: Net,
    predictor: Net,
    *,
    offsets: tuple[int, ...] = (3,),
    directions: tuple[str, ...] = ("down", "up", "right", "left"),
    scale: float = 0.1,
) -> Method:
    """Defaults of the paper's appendix. encoder: of patches one by one, without batch norm, which tells of neighbors
    (`patch_resnet`). context: `masked_context`. projector, predictor: `linear`, of one width. One view of each image.

    offsets: rows from a context to what it predicts; patches of nearer rows overlap. directions: in which rows are read
    and predicted, each by a context of its own. scale: of predictions, in place of a temperature.
    """
    criterion = predicted.predicted(offsets=offsets, scale=scale)
    return predictive(encoder, projector, context, predictor, criterion, offsets=offsets, directions=directions)
