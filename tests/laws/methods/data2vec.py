"""One layer of the teacher's two, up to 9 of 16 patches hidden."""

import jax.numpy as jnp

from ssl_jax.methods.data2vec import data2vec
from ssl_jax.nets import heads, vit
from ssl_jax.types import Method

ARGUMENTS = {"layers": 1, "hidden": 9}
GROUPS = {"global": (1, 16)}
NO_CONTROL = (
    "it has no one guard: no gradient reaches its targets, which are normalized and of a slow teacher; "
    "tests/paradigms/test_latent_prediction.py has the first"
)


def nets(dtype: str) -> dict:
    encoder = vit.vit(variant=(16, 2, 2, 4), mask_token=True, drop_path=0.2, dtype=dtype)
    return {"encoder": encoder, "predictor": heads.linear(out=16, dtype=dtype)}


def learns(examples: int) -> Method:
    encoder = vit.vit(variant=(48, 2, 4, 4), pool="mean", mask_token=True)
    return data2vec(encoder, heads.linear(out=48), ema_decay=lambda step: jnp.float32(0.9), layers=2, hidden=30)
