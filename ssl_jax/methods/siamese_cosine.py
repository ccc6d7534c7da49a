"""Siamese network with a cosine (Bromley et al. 1993): that of a pair is learned, 1 for views of one image."""

from ssl_jax.criteria import lenses, margins
from ssl_jax.paradigms.joint_embedding import joint_embedding
from ssl_jax.types import Card, Method, Net

CARD = Card("Siamese network with a cosine", "joint embedding", 1993)


def siamese_cosine(encoder: Net, projector: Net, *, apart: float = -0.9) -> Method:
    """apart: the cosine that is wanted of views of different images, as of a signature and its forgery in the paper.

    The paper's pairs are labeled; here views of one image are genuine and all other pairs of the batch are not, each
    kind with a mean of its own.
    """
    return joint_embedding(encoder, projector, lenses.at(margins.bromley(apart=apart), name="projection"))
