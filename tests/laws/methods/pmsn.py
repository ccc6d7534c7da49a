"""A power law over eight prototypes."""

import jax.numpy as jnp

from ssl_jax.methods.pmsn import pmsn
from ssl_jax.nets import heads, vit
from ssl_jax.types import Method, Net

ARGUMENTS = {"prototypes": 8, "drop": 0.3}
GROUPS = {"global": (2, 16), "local": (2, 8)}
SCHEDULES = {"ema_decay": lambda step: jnp.float32(0.9), "target_temperature": lambda step: jnp.float32(0.25)}


def nets(dtype: str) -> dict:
    return {"encoder": vit.vit(variant=(16, 2, 2, 4), drop_path=0.2, dtype=dtype)}


def learns(examples: int) -> Method:
    encoder = vit.vit(variant=(48, 2, 4, 4), pool="mean")
    return pmsn(encoder, heads.mlp(widths=(64, 32)), prototypes=64, **SCHEDULES)


def controls(encoder: Net, projector: Net, predictor: Net) -> dict:
    """Without a prior of the mean prediction one prototype serves all."""
    sharp = {**SCHEDULES, "target_temperature": lambda step: jnp.float32(0.1)}  # so that few steps are enough
    options = dict(prototypes=16, drop=0.0, **sharp)
    whole, without = (lambda w=w: pmsn(encoder, projector, weight=w, **options) for w in (1.0, 0.0))
    return {"prior": (whole, without, "one prototype")}
