"""SimCLR (Chen et al. 2020, arXiv:2002.05709): two views of one image agree, all others in the batch repel."""

from ssl_jax.criteria import lenses, pairs
from ssl_jax.paradigms.joint_embedding import joint_embedding
from ssl_jax.types import Card, Method, Net

CARD = Card("SimCLR", "joint embedding", 2020, "arXiv:2002.05709")


def simclr(encoder: Net, projector: Net, *, temperature: float = 0.1) -> Method:
    """Batch statistics over both views together, as the official code has them; temperature: its README."""
    return joint_embedding(encoder, projector, lenses.at(pairs.nt_xent(temperature=temperature), name="projection"))
