"""FastSiam (Pototzky et al. 2022, arXiv:2209.02315): SimSiam whose target is the mean of several views."""

from ssl_jax.criteria import lenses, pairs
from ssl_jax.paradigms import encode
from ssl_jax.paradigms.joint_embedding import joint_embedding
from ssl_jax.types import Card, Method, Net

CARD = Card("FastSiam", "joint embedding", 2022, "arXiv:2209.02315")


def fastsiam(encoder: Net, projector: Net, predictor: Net) -> Method:
    """Four views in the paper, as the recipe says; with two it is SimSiam. One pass a view through one network."""
    criterion = lenses.at(pairs.fast_siam(), name="prediction", teacher="projection")
    return joint_embedding(encoder, projector, criterion, predictor=predictor, through=encode.each)
