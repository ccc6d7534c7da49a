"""Two heads, layer scale, patches hidden of half of the large crops."""

import jax.numpy as jnp

from ssl_jax.methods.dinov2 import dinov2
from ssl_jax.nets import heads, vit
from ssl_jax.types import Method

ARGUMENTS = {"koleo_among": 8, "mask_among": 2}
GROUPS = {"global": (2, 16), "local": (2, 8)}
NO_CONTROL = "its guards are a balance and KoLeo; SwAV has the control of the first, tests/criteria the second's values"
SCHEDULES = {"ema_decay": lambda step: jnp.float32(0.9), "teacher_temperature": lambda step: jnp.float32(0.04)}


def nets(dtype: str) -> dict:
    encoder = vit.vit(variant=(16, 2, 2, 4), drop_path=0.2, layer_scale=0.1, mask_token=True, dtype=dtype)
    return {"encoder": encoder, "patch_projector": heads.mlp(widths=(16, 8), dtype=dtype)}


def learns(examples: int) -> Method:
    encoder = vit.vit(variant=(48, 2, 4, 4), pool="mean", mask_token=True)
    head = heads.dino_head(out=64, hidden=64, bottleneck=32)
    return dinov2(encoder, head, heads.dino_head(out=64, hidden=64, bottleneck=32), **SCHEDULES)
