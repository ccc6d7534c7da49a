"""Words of two maps; crops and patches."""

import jax.numpy as jnp

from ssl_jax.methods.obow import obow
from ssl_jax.nets import heads, resnet
from ssl_jax.types import Method

ARGUMENTS = {"levels": ("stage1", "stage2"), "words": 32}
GROUPS = {"global": (1, 16), "local": (2, 8), "patches": (3, 8)}
NO_CONTROL = (
    "it has no one guard: no gradient reaches its targets, and a teacher that averages nothing, the student of a step "
    "ago, keeps its words apart as well"
)


def nets(dtype: str) -> dict:
    return {"weight_generator": heads.mlp(widths=(16, 8), bias=False, dtype=dtype)}


def learns(examples: int) -> Method:
    """The teacher sees the first of those two views, the student the other."""
    encoder = resnet.resnet(depth=(1, 1, 1), base=8, stem="half", zero_init=False)
    options = dict(levels=("stage2",), words=256, sharpness=10.0, scale=5.0)
    made = obow(encoder, heads.mlp(widths=(64, 32), bias=False), ema_decay=lambda step: jnp.float32(0.95), **options)

    def apart(batch):
        return {**batch, "global": batch["global"][:, :1], "local": batch["global"][:, 1:]}

    return made._replace(
        init=lambda key, batch: made.init(key, apart(batch)),
        loss=lambda params, state, batch, *rest: made.loss(params, state, apart(batch), *rest),
    )
