"""One view; noise-contrastive estimation with a few negatives."""

from ssl_jax.methods.inst_disc import inst_disc
from ssl_jax.nets import heads, resnet
from ssl_jax.types import Method

ARGUMENTS = {"negatives": 8}
GROUPS = {"global": (1, 16)}
NO_CONTROL = "its guard is the rows of other images: the same features for all find no row, as tests/criteria show"


def learns(examples: int) -> Method:
    """The first of those two views; a small set is all negatives."""
    encoder = resnet.resnet(depth=(1, 1, 1), base=8, stem="half", zero_init=False)
    made = inst_disc(encoder, heads.linear(out=32), examples=examples, form="full", temperature=0.1)

    def one(batch):
        return {**batch, "global": batch["global"][:, :1]}

    return made._replace(
        init=lambda key, batch: made.init(key, one(batch)),
        loss=lambda params, state, batch, *rest: made.loss(params, state, one(batch), *rest),
    )
