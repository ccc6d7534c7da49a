"""Batch norm in two groups, between which keys are shuffled; two queues."""

import jax.numpy as jnp

from ssl_jax.methods.moco_v2_plus import moco_v2_plus
from ssl_jax.nets import heads, resnet
from ssl_jax.types import Method

ARGUMENTS = {"queue": 32}
NO_CONTROL = "its guards are MoCo v2's queue, twice, which has its control"


def nets(dtype: str) -> dict:
    return {"encoder": resnet.resnet(depth=(1, 1), base=4, zero_init=False, stem="cifar", groups=2, dtype=dtype)}


def learns(examples: int) -> Method:
    encoder = resnet.resnet(depth=(1, 1, 1), base=8, stem="half", zero_init=False)
    return moco_v2_plus(encoder, heads.mlp(widths=(64, 32)), queue=1024, ema_decay=lambda step: jnp.float32(0.9))
