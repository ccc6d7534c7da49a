"""Places of an 8 x 8 map, and batch norm in two groups, between which keys are shuffled."""

import jax.numpy as jnp

from ssl_jax.methods.densecl import densecl
from ssl_jax.nets import heads, resnet
from ssl_jax.types import Method

ARGUMENTS = {"queue": 32}


def nets(dtype: str) -> dict:
    return {
        "encoder": resnet.resnet(depth=(1, 1), base=4, zero_init=False, stem="cifar", groups=2, dtype=dtype),
        "dense_projector": heads.mlp(widths=(16, 8), norm="none", dtype=dtype),
    }


def learns(examples: int) -> Method:
    encoder = resnet.resnet(depth=(1, 1, 1), base=8, stem="half", zero_init=False)
    options = dict(queue=1024, ema_decay=lambda step: jnp.float32(0.9))
    return densecl(encoder, heads.mlp(widths=(64, 32)), heads.mlp(widths=(64, 32), norm="none"), **options)
