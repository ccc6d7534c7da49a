"""LeJEPA (Balestriero & LeCun 2025, arXiv:2511.08544): views agree, and embeddings are an isotropic Gaussian."""

from ssl_jax.criteria import gaussian, lenses
from ssl_jax.paradigms.joint_embedding import joint_embedding
from ssl_jax.types import Card, Method, Net

CARD = Card("LeJEPA", "joint embedding", 2025, "arXiv:2511.08544")


def lejepa(encoder: Net, projector: Net, *, weight: float = 0.05, directions: int = 1024) -> Method:
    """weight: lambda of SIGReg, the invariance has the rest of 1; 0.02 in the code's example. directions: drawn at each
    step. Neither a teacher nor a stop-gradient. The views share batch statistics, as in the code.
    """
    criterion = lenses.at(gaussian.lejepa(weight=weight, directions=directions), name="projection")
    return joint_embedding(encoder, projector, criterion)
