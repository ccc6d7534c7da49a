"""A queue of two batches, and a transformer that drops."""

import jax.numpy as jnp

from ssl_jax.methods.all4one import all4one
from ssl_jax.nets import heads, neighbor_transformer, resnet
from ssl_jax.types import Method

ARGUMENTS = {"queue": 32, "neighbors": 3}
NO_CONTROL = "its guards are NNCLR's, the other rows of the batch: tests/criteria hold its terms to their formulas"


def nets(dtype: str) -> dict:
    return {
        "second_predictor": heads.mlp(widths=(16, 8), dtype=dtype),
        "transformer": neighbor_transformer.neighbor_transformer(layers=2, heads=2, hidden=16, dtype=dtype),
    }


def learns(examples: int) -> Method:
    encoder = resnet.resnet(depth=(1, 1, 1), base=8, stem="half", zero_init=False)
    one, two = (heads.mlp(widths=(64, 32)) for _ in range(2))
    mixer = neighbor_transformer.neighbor_transformer(layers=2, heads=4, hidden=64)
    options = dict(queue=1024, ema_decay=lambda step: jnp.float32(0.9))
    return all4one(encoder, heads.mlp(widths=(64, 32), last_norm="affine"), one, two, mixer, **options)
