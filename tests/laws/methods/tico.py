"""The student sees the first view, the teacher the second."""

import jax.numpy as jnp

from ssl_jax.methods.tico import tico
from ssl_jax.nets import heads, resnet
from ssl_jax.types import Method, Net

ARGUMENTS = {}
SLOW = {"ema_decay": lambda step: jnp.float32(0.9)}


def learns(examples: int) -> Method:
    encoder = resnet.resnet(depth=(1, 1, 1), base=8, stem="half", zero_init=False)
    return tico(encoder, heads.mlp(widths=(64, 32)), **SLOW)


def controls(encoder: Net, projector: Net, predictor: Net) -> dict:
    whole, without = (lambda rho=rho: tico(encoder, projector, rho=rho, **SLOW) for rho in (8.0, 0.0))
    return {"contrast": (whole, without, "spread")}
