"""Barlow Twins (Zbontar et al. 2021, arXiv:2103.03230): the views' cross-correlation becomes the identity."""

from ssl_jax.criteria import lenses, pairs
from ssl_jax.paradigms import encode
from ssl_jax.paradigms.joint_embedding import joint_embedding
from ssl_jax.types import Card, Method, Net

CARD = Card("Barlow Twins", "joint embedding", 2021, "arXiv:2103.03230")


def barlow_twins(encoder: Net, projector: Net, *, off_diagonal: float = 0.0051) -> Method:
    """off_diagonal: lambda of eq. 1, official default."""
    criterion = lenses.at(pairs.barlow(off_diagonal=off_diagonal), name="projection")
    return joint_embedding(encoder, projector, criterion, through=encode.each)
