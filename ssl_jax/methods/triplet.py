"""Triplet loss (FaceNet, Schroff et al. 2015, arXiv:1503.03832): a view is nearer to its other view than to others."""

from ssl_jax.criteria import lenses, margins
from ssl_jax.paradigms.joint_embedding import joint_embedding
from ssl_jax.types import Card, Method, Net

CARD = Card("Triplet loss", "joint embedding", 2015, "arXiv:1503.03832")


def triplet(
    encoder: Net, projector: Net, *, margin: float = 0.2, squared: bool = True, mining: str = "semi_hard"
) -> Method:
    """Margin, squared distances of unit vectors and semi-hard negatives as in FaceNet, whose positives have labels.

    Here the positive is another view of the image. mining: "semi_hard", "hardest" (arXiv:1703.07737) or "random".
    """
    criterion = margins.triplet(margin=margin, squared=squared, mining=mining)
    return joint_embedding(encoder, projector, lenses.at(criterion, name="projection"))
