"""Two views and nine pieces, and batch norm in two groups, between which keys are shuffled."""

import jax.numpy as jnp

from ssl_jax.methods.infomin import infomin
from ssl_jax.nets import heads, resnet
from ssl_jax.types import Method
from tests.laws.methods import pirl

ARGUMENTS = {"queue": 32}
GROUPS = {"global": (2, 16), "patches": (9, 8)}
NO_CONTROL = "its guard is MoCo's queue, which has its control"


def nets(dtype: str) -> dict:
    return {
        "encoder": resnet.resnet(depth=(1, 1), base=4, zero_init=False, stem="cifar", groups=2, dtype=dtype),
        "jigsaw_projector": heads.jigsaw_projector(widths=(16, 6), out=8, dtype=dtype),
    }


def learns(examples: int) -> Method:
    encoder = resnet.resnet(depth=(1, 1, 1), base=8, stem="half", zero_init=False)
    heads_ = heads.mlp(widths=(64, 32)), heads.jigsaw_projector(widths=(64, 32), out=32)
    return pirl.torn(infomin(encoder, *heads_, queue=1024, ema_decay=lambda step: jnp.float32(0.9)), views=2)
