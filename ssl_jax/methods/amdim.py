"""AMDIM (Bachman et al. 2019, arXiv:1906.00910): one view as a whole finds the places of the other, at two scales."""

from ssl_jax.criteria import lenses, scales
from ssl_jax.paradigms import encode
from ssl_jax.paradigms.joint_embedding import joint_embedding
from ssl_jax.types import Card, Method, Net

CARD = Card("AMDIM", "joint embedding", 2019, "arXiv:1906.00910")


def amdim(encoder: Net, *, clip: float = 20.0, penalty: float = 0.05) -> Method:
    """Defaults of the official code. encoder: `unpadded_resnet`, whose maps of 1, 5 and 7 places a side have one
    width; the first is what is evaluated.

    clip: scores stay between -clip and clip. penalty: of their mean square. Each view has batch statistics of its own.
    """
    criterion = lenses.at(scales.infomax(clip=clip, penalty=penalty), name="maps")
    keep = ("pool", "maps")
    return joint_embedding(encoder, encode.UNCHANGED, criterion, through=encode.each, keep=keep)
