"""VICRegL (Bardes et al. 2022, arXiv:2210.01571): VICReg for the image, and for places that show the same thing."""

from ssl_jax.checks import ranges
from ssl_jax.criteria import lenses, local, pairs
from ssl_jax.paradigms import encode
from ssl_jax.paradigms.joint_embedding import joint_embedding
from ssl_jax.types import Card, Method, Net

CARD = Card("VICRegL", "joint embedding", 2022, "arXiv:2210.01571")


def vicregl(
    encoder: Net,
    projector: Net,
    local_projector: Net,
    *,
    alpha: float = 0.75,
    num_matches: tuple[int, int] = (20, 4),
    invariance: float = 25.0,
    variance: float = 25.0,
    covariance: float = 0.5,
) -> Method:
    """alpha: the weight of the image's term, the places' has the rest of 1. Views of the group "global" say `places`.

    local_projector: a head of each place of the encoder's last map. num_matches: pairs kept of a search from one view
    and from the other. covariance: of the sum over both views, as in VICReg; the code's 1 is of their mean. Small crops
    take part in the image's term alone.
    """
    ranges.share(alpha=alpha)
    weights = dict(invariance=invariance, variance=variance, covariance=covariance)
    image = lenses.at(pairs.vicreg(**weights), name="projection")
    places = lenses.at(local.vicreg(num_matches=num_matches, **weights), name="dense")
    criterion = lenses.total(image=(alpha, image), places=(1 - alpha, places))
    return joint_embedding(encoder, projector, criterion, through=encode.each, dense=local_projector)
