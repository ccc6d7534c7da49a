"""SimCLR v2 (Chen et al. 2020, arXiv:2006.10029): SimCLR with a head of three layers, the first of which is kept."""

from ssl_jax.criteria import lenses, pairs
from ssl_jax.paradigms import kept_head
from ssl_jax.paradigms.joint_embedding import joint_embedding
from ssl_jax.types import Card, Method, Net

CARD = Card("SimCLR v2", "joint embedding", 2020, "arXiv:2006.10029")


def simclr_v2(encoder: Net, projector: Net, *, temperature: float = 0.1) -> Method:
    """The released code: SimCLR's loss, without the memory (`simclr_v2_memory`). projector: `simclr_projector` of three
    widths, the first two the encoder's.

    `embed` gives the encoder's "pool", which is evaluated and exported, as in the code's linear evaluation, and
    "projection/1", the head's first layer, from which the paper fine-tunes with few labels.
    """
    criterion = lenses.at(pairs.nt_xent(temperature=temperature), name="projection")
    return kept_head.with_first_layer(joint_embedding(encoder, projector, criterion), projector)
