"""One view of three channels; noise-contrastive estimation with a few negatives."""

import jax.numpy as jnp

from ssl_jax.methods.cmc import cmc
from ssl_jax.nets import split
from ssl_jax.types import Method, Net

ARGUMENTS = {"negatives": 8}
GROUPS = {"global": (1, 16)}
NO_CONTROL = "its guard is the rows of other images: the same features for all find no row, as tests/criteria show"


def nets(dtype: str) -> dict:
    encoder = split.split_resnet(depth=(1, 1), base=4, stem="cifar", zero_init=False, dtype=dtype)
    return {"encoder": encoder, "projector": split.split_linear(out=8, dtype=dtype)}


def learns(examples: int) -> Method:
    """The first of those two views, which are gray: what stands for their color are their edges."""
    split_net = split.split_resnet(depth=(1, 1, 1), base=8, stem="half", zero_init=False)

    def edged(x):
        edges = [x - jnp.roll(x, 1, axis) for axis in (1, 2)]
        return jnp.concatenate([x, *edges], -1)

    def apply(params, stats, x, **options):
        return split_net.apply(params, stats, edged(x), **options)

    encoder = Net(lambda key, x: split_net.init(key, edged(x)), apply)
    made = cmc(encoder, split.split_linear(out=32), examples=examples, form="full", temperature=0.1)

    def one(batch):
        return {**batch, "global": batch["global"][:, :1]}

    return made._replace(
        init=lambda key, batch: made.init(key, one(batch)),
        loss=lambda params, state, batch, *rest: made.loss(params, state, one(batch), *rest),
    )
