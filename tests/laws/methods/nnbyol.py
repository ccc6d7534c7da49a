"""A queue of two batches."""

import jax.numpy as jnp

from ssl_jax.methods.nnbyol import nnbyol
from ssl_jax.nets import heads, resnet
from ssl_jax.types import Method

ARGUMENTS = {"queue": 32}
NO_CONTROL = "its guard is BYOL's predictor, which has its control"


def learns(examples: int) -> Method:
    encoder = resnet.resnet(depth=(1, 1, 1), base=8, stem="half", zero_init=False)
    options = dict(queue=1024, ema_decay=lambda step: jnp.float32(0.9))
    return nnbyol(encoder, heads.mlp(widths=(64, 32)), heads.mlp(widths=(32, 32)), **options)
