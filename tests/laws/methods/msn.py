"""Anchors of 11 of 16 patches, and two small crops."""

import jax.numpy as jnp

from ssl_jax.methods.msn import msn
from ssl_jax.nets import heads, vit
from ssl_jax.types import Method

ARGUMENTS = {"prototypes": 8, "drop": 0.3}
GROUPS = {"global": (2, 16), "local": (2, 8)}
SCHEDULES = {"ema_decay": lambda step: jnp.float32(0.9), "target_temperature": lambda step: jnp.float32(0.25)}
NO_CONTROL = "its guards are two, the prior and Sinkhorn, each of which does alone; tests/criteria have their values"


def nets(dtype: str) -> dict:
    return {"encoder": vit.vit(variant=(16, 2, 2, 4), drop_path=0.2, dtype=dtype)}


def learns(examples: int) -> Method:
    encoder = vit.vit(variant=(48, 2, 4, 4), pool="mean")
    return msn(encoder, heads.mlp(widths=(64, 32)), prototypes=64, **SCHEDULES)
