"""Siamese network with a margin (Hadsell et al. 2006): views of an image lie together, those of two apart."""

from ssl_jax.criteria import lenses, margins
from ssl_jax.paradigms.joint_embedding import joint_embedding
from ssl_jax.types import Card, Method, Net

CARD = Card("Siamese network with a margin", "joint embedding", 2006)


def siamese_margin(encoder: Net, projector: Net, *, margin: float = 1.0) -> Method:
    """margin: the distance beyond which views of different images no longer repel; outputs are not normalized.

    The paper's pairs come from neighborhoods that are known; here views of one image are similar and all other pairs of
    the batch dissimilar, each kind with a mean of its own.
    """
    return joint_embedding(encoder, projector, lenses.at(margins.hadsell(margin=margin), name="projection"))
