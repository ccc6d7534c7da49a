"""A queue of two batches, batch norm in two groups."""

import jax.numpy as jnp

from ssl_jax.methods.ressl import ressl
from ssl_jax.nets import heads, resnet
from ssl_jax.types import Method, Net

ARGUMENTS = {"queue": 32}
SLOW = {"ema_decay": lambda step: jnp.float32(0.9)}


def nets(dtype: str) -> dict:
    return {"encoder": resnet.resnet(depth=(1, 1), base=4, zero_init=False, stem="cifar", groups=2, dtype=dtype)}


def learns(examples: int) -> Method:
    encoder = resnet.resnet(depth=(1, 1, 1), base=8, stem="half", zero_init=False)
    return ressl(encoder, heads.mlp(widths=(64, 32)), queue=1024, **SLOW)


def controls(encoder: Net, projector: Net, predictor: Net) -> dict:
    """Without a sharper teacher there is nothing to learn but how alike all are."""
    made = lambda sharp: lambda: ressl(encoder, projector, queue=512, teacher_temperature=sharp, **SLOW)  # noqa: E731
    return {"sharpening": (made(0.04), made(0.1), "spread")}
