"""SimSiam (Chen & He 2020, arXiv:2011.10566): a predictor and a stop-gradient keep one network from collapse."""

from ssl_jax.criteria import lenses, pairs
from ssl_jax.paradigms import encode
from ssl_jax.paradigms.joint_embedding import joint_embedding
from ssl_jax.types import Card, Method, Net

CARD = Card("SimSiam", "joint embedding", 2020, "arXiv:2011.10566")


def simsiam(encoder: Net, projector: Net, predictor: Net) -> Method:
    """One pass a view through one network (algorithm 1); the optimizer keeps the predictor's rate constant."""
    criterion = lenses.at(pairs.simsiam(), name="prediction", teacher="projection")
    return joint_embedding(encoder, projector, criterion, predictor=predictor, through=encode.each)
