"""Four groups, clustered after each step."""

import jax.numpy as jnp

from ssl_jax.methods.smog import smog
from ssl_jax.nets import heads, resnet
from ssl_jax.types import Method

ARGUMENTS = {"groups": 4, "past": 32, "reset": 1}
NO_CONTROL = "its guard is the other groups, as SimCLR's are the other rows; tests/criteria hold it to its formula"


def learns(examples: int) -> Method:
    """Without its pass, since that training makes none: groups move by the steps alone."""
    encoder = resnet.resnet(depth=(1, 1, 1), base=8, stem="half", zero_init=False)
    options = dict(groups=64, past=128, beta=0.9, ema_decay=lambda step: jnp.float32(0.9))
    made = smog(encoder, heads.mlp(widths=(64, 32), last_norm="plain"), heads.mlp(widths=(64, 32)), **options)
    return made._replace(passes=())
