"""Three views, of which each is told from the mean of the others."""

import jax

from ssl_jax.methods.fastsiam import fastsiam
from ssl_jax.nets import heads, resnet
from ssl_jax.types import Method, Net

ARGUMENTS = {}
GROUPS = {"global": (3, 16)}


def learns(examples: int) -> Method:
    encoder = resnet.resnet(depth=(1, 1, 1), base=8, stem="half", zero_init=False)
    return fastsiam(encoder, heads.mlp(widths=(64, 32)), heads.mlp(widths=(32, 32)))


def controls(encoder: Net, projector: Net, predictor: Net) -> dict:
    made = lambda: fastsiam(encoder, projector, predictor)  # noqa: E731
    return {"stop-gradient": (made, made, "spread", (jax.lax, "stop_gradient", lambda x: x))}
