"""Two clusterings of a few images; every second prototype is drawn."""

import jax.numpy as jnp

from ssl_jax.methods.pcl_v1 import pcl_v1
from ssl_jax.nets import heads, resnet
from ssl_jax.types import Method
from tests.laws import real

ARGUMENTS = {"queue": 32, "clusters": (4, 6), "negatives": 3, "warmup": 0, "iterations": 3}
NO_CONTROL = "its guard is MoCo's queue, which has its control; tests/criteria hold its prototypes to their formula"


def nets(dtype: str) -> dict:
    return {"projector": heads.linear(out=8, dtype=dtype)}


def learns(examples: int) -> Method:
    encoder = resnet.resnet(depth=(1, 1, 1), base=8, stem="half", zero_init=False)
    options = dict(queue=1024, clusters=(32, 64), ema_decay=lambda step: jnp.float32(0.9), iterations=5)
    made = pcl_v1(encoder, heads.linear(out=32), examples=examples, **options)
    return real.fed(made, real.images("train", examples))
