"""VIbCReg (Lee & Aune 2021, arXiv:2109.00783): VICReg on correlations, behind a projector that whitens."""

from ssl_jax.criteria import lenses, pairs
from ssl_jax.paradigms import encode
from ssl_jax.paradigms.joint_embedding import joint_embedding
from ssl_jax.types import Card, Method, Net

CARD = Card("VIbCReg", "joint embedding", 2021, "arXiv:2109.00783")


def vibcreg(
    encoder: Net, projector: Net, *, invariance: float = 25.0, variance: float = 25.0, covariance: float = 200.0
) -> Method:
    """The three weights, with the values of the authors' code; the net is `vibcreg_projector`."""
    criterion = pairs.vibcreg(invariance=invariance, variance=variance, covariance=covariance)
    return joint_embedding(encoder, projector, lenses.at(criterion, name="projection"), through=encode.each)
