"""VICReg (Bardes et al. 2021, arXiv:2105.04906): invariance, with variance and covariance kept by two penalties."""

from ssl_jax.criteria import lenses, pairs
from ssl_jax.paradigms import encode
from ssl_jax.paradigms.joint_embedding import joint_embedding
from ssl_jax.types import Card, Method, Net

CARD = Card("VICReg", "joint embedding", 2021, "arXiv:2105.04906")


def vicreg(
    encoder: Net, projector: Net, *, invariance: float = 25.0, variance: float = 25.0, covariance: float = 1.0
) -> Method:
    """The three weights of eq. 6, with the values of section 4.2."""
    criterion = pairs.vicreg(invariance=invariance, variance=variance, covariance=covariance)
    return joint_embedding(encoder, projector, lenses.at(criterion, name="projection"), through=encode.each)
