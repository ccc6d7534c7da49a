"""DCL (Yeh et al. 2021, arXiv:2110.06848): SimCLR without the positive among what it is told from."""

from ssl_jax.criteria import lenses, pairs
from ssl_jax.paradigms.joint_embedding import joint_embedding
from ssl_jax.types import Card, Method, Net

CARD = Card("DCL", "joint embedding", 2021, "arXiv:2110.06848")


def dcl(encoder: Net, projector: Net, *, temperature: float = 0.1) -> Method:
    """Batch statistics over both views together, as in SimCLR; temperature: of the public codes."""
    return joint_embedding(encoder, projector, lenses.at(pairs.decoupled(temperature=temperature), name="projection"))
