"""One slice is the batch, twice as many rows as dimensions."""

from ssl_jax.methods.w_mse import w_mse
from ssl_jax.nets import heads, resnet
from ssl_jax.types import Method

ARGUMENTS = {"size": 16}
NO_CONTROL = "a collapsed view has no whitening: the loss is not finite there; tests/criteria hold it to its formula"


def learns(examples: int) -> Method:
    encoder = resnet.resnet(depth=(1, 1, 1), base=8, stem="half", zero_init=False)
    return w_mse(encoder, heads.mlp(widths=(64, 16)), size=64)
