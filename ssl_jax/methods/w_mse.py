"""W-MSE (Ermolov et al. 2020, arXiv:2007.06346): views agree after whitening, of which no collapse is left."""

from ssl_jax.criteria import lenses, whitened
from ssl_jax.paradigms import encode
from ssl_jax.paradigms.joint_embedding import joint_embedding
from ssl_jax.types import Card, Method, Net

CARD = Card("W-MSE", "joint embedding", 2020, "arXiv:2007.06346")


def w_mse(encoder: Net, projector: Net, *, size: int = 128, iterations: int = 1, eps: float = 0.0) -> Method:
    """size: examples that are whitened together, at least twice the projector's outputs. iterations: cuts of the batch.

    Defaults of the official code; the paper's W-MSE 4 has four views. Each view has batch statistics of its own, also
    in the projector, where the official code has them of all views and solo-learn's as here.
    """
    criterion = lenses.at(whitened.w_mse(size=size, iterations=iterations, eps=eps), name="projection")
    return joint_embedding(encoder, projector, criterion, through=encode.each)
