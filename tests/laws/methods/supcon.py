"""Classes of each image, which some have not."""

from ssl_jax.methods.supcon import supcon
from ssl_jax.nets import heads, resnet
from ssl_jax.types import Method

NO_CONTROL = "labels are what it reads: the same features for all are no small loss"


def learns(examples: int) -> Method:
    """Those images come class after class in turn."""
    encoder = resnet.resnet(depth=(1, 1, 1), base=8, stem="half", zero_init=False)
    made = supcon(encoder, heads.mlp(widths=(64, 32), norm="none"))

    def loss(params, state, batch, *rest):
        return made.loss(params, state, {**batch, "label": batch["index"] % 10}, *rest)

    return made._replace(loss=loss)
