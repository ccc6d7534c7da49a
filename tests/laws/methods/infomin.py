"""Two views and nine pieces, and batch norm in two groups, between which keys are shuffled."""

import jax.numpy as jnp

from ssl_jax.criteria import lenses, pairs, views
from ssl_jax.methods.infomin import infomin
from ssl_jax.nets import heads, resnet
from ssl_jax.paradigms import encode
from ssl_jax.paradigms.jigsaw import with_jigsaw
from ssl_jax.paradigms.self_distillation import self_distillation
from ssl_jax.types import Method, Net
from tests.laws.methods import pirl

ARGUMENTS = {"queue": 32}
GROUPS = {"global": (2, 16), "patches": (9, 8)}
DECAY = {"ema_decay": lambda step: jnp.float32(0.9)}


def nets(dtype: str) -> dict:
    return {
        "encoder": resnet.resnet(depth=(1, 1), base=4, zero_init=False, stem="cifar", groups=2, dtype=dtype),
        "jigsaw_projector": heads.jigsaw_projector(widths=(16, 6), out=8, dtype=dtype),
    }


def controls(encoder: Net, projector: Net, predictor: Net) -> dict:
    head, attracted = heads.jigsaw_projector(widths=(32,), out=32), pairs.byol(pairs=views.every)
    attracted = lenses.at(attracted, name="projection")

    def without() -> Method:
        options = dict(arrange=encode.shuffled, shown=encode.apart)
        made = self_distillation(encoder, projector, attracted, **DECAY, **options)
        return with_jigsaw(made, encoder, head, attracted, weight=0.5)

    made = (lambda: infomin(encoder, projector, head, **DECAY, queue=512), without)
    whole, alone = (lambda make=make: pirl.torn(make(), views=2, side=pirl.WHOLE) for make in made)
    return {"past keys": (whole, alone, "spread")}


def learns(examples: int) -> Method:
    encoder = resnet.resnet(depth=(1, 1, 1), base=8, stem="half", zero_init=False)
    heads_ = heads.mlp(widths=(64, 32)), heads.jigsaw_projector(widths=(64, 32), out=32)
    return pirl.torn(infomin(encoder, *heads_, queue=1024, **DECAY), views=2)
