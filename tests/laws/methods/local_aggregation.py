"""One view; three clusters in two runs, eight neighbors."""

import jax.numpy as jnp

from ssl_jax.losses import clustering
from ssl_jax.methods.local_aggregation import local_aggregation
from ssl_jax.nets import heads, resnet
from ssl_jax.types import Method

ARGUMENTS = {"clusters": 3, "runs": 2, "background": 8, "negatives": 8, "iterations": 3}
GROUPS = {"global": (1, 16)}


def one(made: Method) -> Method:
    """The method as one that sees the first of two views."""

    def first(batch):
        return {**batch, "global": batch["global"][:, :1]}

    return made._replace(
        init=lambda key, batch: made.init(key, first(batch)),
        loss=lambda params, state, batch, *rest: made.loss(params, state, first(batch), *rest),
    )


def learns(examples: int) -> Method:
    """The bank is clustered after each epoch."""
    encoder = resnet.resnet(depth=(1, 1, 1), base=8, stem="half", zero_init=False)
    options = dict(clusters=64, runs=3, background=128, negatives=512, temperature=0.1, iterations=5)
    return one(local_aggregation(encoder, heads.linear(out=32), examples=examples, **options))


def attraction(logits, close):
    """That of close neighbors alone, whatever the background is like."""
    return -jnp.mean(jnp.sum(jnp.where(close, logits, 0), -1) / jnp.maximum(jnp.sum(close, -1), 1))


def controls(encoder, projector, predictor) -> dict:
    def made():
        options = dict(clusters=64, runs=2, background=128, negatives=256, temperature=0.1, iterations=3)
        return one(local_aggregation(encoder, projector, examples=1024, **options))

    return {"background": (made, made, "spread", (clustering, "local_aggregation", attraction))}
