"""A memory of two batches."""

import jax.numpy as jnp

from ssl_jax.criteria import lenses, pairs
from ssl_jax.methods.simclr_v2_memory import simclr_v2_memory
from ssl_jax.nets import heads, resnet
from ssl_jax.paradigms.self_distillation import self_distillation
from ssl_jax.types import Method

ARGUMENTS = {"queue": 32}
SCHEDULE = {"ema_decay": lambda step: jnp.float32(0.9)}


def nets(dtype: str) -> dict:
    return {"projector": heads.simclr_projector(widths=(16, 16, 8), dtype=dtype)}


def learns(examples: int) -> Method:
    encoder = resnet.resnet(depth=(1, 1, 1), base=8, stem="half", zero_init=False)
    head = heads.simclr_projector(widths=(64, 64, 32))
    return simclr_v2_memory(encoder, head, queue=1024, temperature=0.2, **SCHEDULE)


def controls(encoder, projector, predictor) -> dict:
    cosine = lenses.at(pairs.byol(), name="projection")
    return {
        "negatives": (
            lambda: simclr_v2_memory(encoder, projector, queue=512, temperature=0.2, **SCHEDULE),
            lambda: self_distillation(encoder, projector, cosine, **SCHEDULE),
            "spread",
        )
    }
