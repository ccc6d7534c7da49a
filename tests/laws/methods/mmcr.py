"""Three views of each image, seen by both networks."""

import jax.numpy as jnp

from ssl_jax.methods.mmcr import mmcr
from ssl_jax.nets import heads, resnet
from ssl_jax.types import Method

ARGUMENTS = {"local_weight": 0.005}
GROUPS = {"global": (3, 16)}
NO_CONTROL = (
    "its one term is greatest at collapse, and has its values there in tests/criteria: there is nothing to take away"
)


def learns(examples: int) -> Method:
    encoder = resnet.resnet(depth=(1, 1, 1), base=8, stem="half", zero_init=False)
    return mmcr(encoder, heads.mlp(widths=(64, 32)), ema_decay=lambda step: jnp.float32(0.9))
