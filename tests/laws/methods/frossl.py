"""Three views."""

from ssl_jax.methods.frossl import frossl
from ssl_jax.nets import heads, resnet
from ssl_jax.types import Method

ARGUMENTS = {}
GROUPS = {"global": (3, 16)}
NO_CONTROL = (
    "features are made unit vectors over the batch, so that a point has no gradient; tests/criteria have its values"
)


def learns(examples: int) -> Method:
    encoder = resnet.resnet(depth=(1, 1, 1), base=8, stem="half", zero_init=False)
    return frossl(encoder, heads.mlp(widths=(64, 32)))
