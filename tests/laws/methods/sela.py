"""One view; two heads of four clusters, on what an MLP makes of the encoder's features."""

import jax.numpy as jnp

from ssl_jax.methods.sela import sela
from ssl_jax.nets import heads, resnet
from ssl_jax.passes import transport
from ssl_jax.types import Method
from tests.laws import real

ARGUMENTS = {"heads": 2, "clusters": 4, "sharpness": 10.0, "optimizations": 3}
GROUPS = {"global": (1, 16)}


def learns(examples: int) -> Method:
    encoder = resnet.resnet(depth=(1, 1, 1), base=8, stem="half", zero_init=False)
    made = sela(encoder, heads.identity(), examples=examples, heads=4, clusters=32, sharpness=10.0)
    return real.fed(made, real.images("train", examples))


def unbalanced(log_of, rows, valid, **options):
    """What is likeliest for each, whatever the others have."""
    return jnp.where(valid, jnp.argmax(log_of(rows), 1).astype(jnp.int32), -1)


def controls(encoder, projector, predictor) -> dict:
    def made():
        options = dict(examples=1024, heads=2, clusters=16, sharpness=10.0)
        return real.fed(sela(encoder, projector, **options), real.images("train", 1024))

    return {"balance": (made, made, "labels", (transport, "labels", unbalanced))}
