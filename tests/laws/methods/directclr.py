"""Four of eight features."""

from ssl_jax.methods.directclr import directclr
from ssl_jax.nets import resnet
from ssl_jax.types import Method

ARGUMENTS = {"dims": 4}
NO_CONTROL = "its guard is SimCLR's, the other rows of the batch, which has its control"


def learns(examples: int) -> Method:
    return directclr(resnet.resnet(depth=(1, 1, 1), base=8, stem="half", zero_init=False), dims=16, temperature=0.2)
