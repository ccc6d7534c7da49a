"""DirectCLR (Jing et al. 2021, arXiv:2110.09348): contrast on some of the encoder's features, without a projector."""

from ssl_jax.checks import ranges
from ssl_jax.criteria import lenses, pairs
from ssl_jax.paradigms import encode
from ssl_jax.paradigms.joint_embedding import joint_embedding
from ssl_jax.types import Card, Method, Net

CARD = Card("DirectCLR", "joint embedding", 2021, "arXiv:2110.09348")


def directclr(encoder: Net, *, dims: int = 360, temperature: float = 0.1) -> Method:
    """dims: the features that the loss reads, the first ones; all are evaluated. Defaults of the official code, in
    which each view looks for its partner among the other views of the batch, not among its own as well, as SimCLR's
    does.
    """
    ranges.above_zero(dims=dims)
    criterion = lenses.at(pairs.across(temperature=temperature), name="projection")
    return joint_embedding(encoder, encode.first(dims), criterion, through=encode.each)
