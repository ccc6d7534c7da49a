"""A support set of two batches."""

from ssl_jax.methods.nnclr import nnclr
from ssl_jax.nets import heads, resnet
from ssl_jax.types import Method

ARGUMENTS = {"queue": 32}
NO_CONTROL = "its guard is SimCLR's, the other rows of the batch: tests/losses hold it to its formula"


def learns(examples: int) -> Method:
    encoder = resnet.resnet(depth=(1, 1, 1), base=8, stem="half", zero_init=False)
    return nnclr(encoder, heads.mlp(widths=(64, 32), last_norm="affine"), heads.mlp(widths=(64, 32)), queue=1024)
