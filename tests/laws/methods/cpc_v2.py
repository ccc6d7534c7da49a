"""Nine patches of 8 pixels, read in two directions."""

from ssl_jax.methods.cpc_v2 import cpc_v2
from ssl_jax.nets import heads, masked_context, patch_resnet
from ssl_jax.types import Method

ARGUMENTS = {"offsets": (1, 2), "directions": ("down", "left")}
GROUPS = {"global": (1, 16)}
NO_CONTROL = "its guard is the other patches: the same vectors for all find none of them, as tests/losses show"


def nets(dtype: str) -> dict:
    options = dict(patch=8, stride=4, drop_colors=0.5, depth=(1, 1), base=4, stem="cifar", zero_init=False)
    return {
        "encoder": patch_resnet.patch_resnet(**options, dtype=dtype),
        "projector": heads.linear(out=8, dtype=dtype),
        "context": masked_context.masked_context(layers=2, hidden=8, dtype=dtype),
        "predictor": heads.linear(out=8, dtype=dtype),
    }


def learns(examples: int) -> Method:
    """One of those two views; 4 x 4 patches of 10 pixels."""
    encoder = patch_resnet.patch_resnet(patch=10, stride=6, depth=(1, 1), base=16, stem="half", zero_init=False)
    context = masked_context.masked_context(layers=2, hidden=32)
    options = dict(offsets=(2,), directions=("down", "right"))
    made = cpc_v2(encoder, heads.linear(out=32), context, heads.linear(out=32), **options)

    def one(batch):
        return {**batch, "global": batch["global"][:, :1]}

    return made._replace(
        init=lambda key, batch: made.init(key, one(batch)),
        loss=lambda params, state, batch, *rest: made.loss(params, state, one(batch), *rest),
    )
