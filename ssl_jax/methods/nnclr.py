"""NNCLR (Dwibedi et al. 2021, arXiv:2104.14548): the nearest neighbor of one view finds the other view."""

from ssl_jax.criteria import lenses, neighbors
from ssl_jax.paradigms import encode
from ssl_jax.paradigms.joint_embedding import joint_embedding
from ssl_jax.types import Card, Method, Net

CARD = Card("NNCLR", "joint embedding", 2021, "arXiv:2104.14548")


def nnclr(encoder: Net, projector: Net, predictor: Net, *, queue: int = 98304, temperature: float = 0.1) -> Method:
    """Defaults of the paper. queue: projections kept to be neighbors, a multiple of the batch.

    Each view has batch statistics of its own, as in solo-learn's code; the authors have published none.
    """
    criterion = lenses.at(
        neighbors.nearest(size=queue, temperature=temperature), name="prediction", teacher="projection"
    )
    return joint_embedding(encoder, projector, criterion, predictor=predictor, through=encode.each)
