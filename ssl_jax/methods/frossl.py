"""FroSSL (Skean et al. 2023, arXiv:2310.02903): the entropy of each view's covariance rises, by its Frobenius norm."""

from ssl_jax.criteria import lenses, spectral
from ssl_jax.paradigms import encode
from ssl_jax.paradigms.joint_embedding import joint_embedding
from ssl_jax.types import Card, Method, Net

CARD = Card("FroSSL", "joint embedding", 2023, "arXiv:2310.02903")


def frossl(encoder: Net, projector: Net, *, invariance: float = 1.0) -> Method:
    """invariance: the weight of the views' distances, 2 in the official ImageNet run. Any number of views."""
    criterion = lenses.at(spectral.frossl(invariance=invariance), name="projection")
    return joint_embedding(encoder, projector, criterion, through=encode.each)
