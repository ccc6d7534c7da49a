"""DCLW (Yeh et al. 2021, arXiv:2110.06848): DCL in which positives that are far apart count more."""

from ssl_jax.criteria import lenses, pairs
from ssl_jax.paradigms.joint_embedding import joint_embedding
from ssl_jax.types import Card, Method, Net

CARD = Card("DCLW", "joint embedding", 2021, "arXiv:2110.06848")


def dclw(encoder: Net, projector: Net, *, temperature: float = 0.1, sigma: float = 0.5) -> Method:
    """As `dcl`. sigma: of the weights' softmax over the batch, section 4 of the paper; the greater, the more alike."""
    criterion = pairs.decoupled(temperature=temperature, sigma=sigma)
    return joint_embedding(encoder, projector, lenses.at(criterion, name="projection"))
