"""Six codes of patches of 4 pixels, blocks of up to six of 16."""

import jax

from ssl_jax.methods.beit import beit
from ssl_jax.nets import heads, vit
from ssl_jax.types import Method
from tests.laws import real

ARGUMENTS = {"patch": 4, "hidden": 6, "drawn": 200, "iterations": 3}
GROUPS = {"global": (1, 16)}
NO_CONTROL = "codes of pixels are its target: a constant prediction is no small loss"


def nets(dtype: str) -> dict:
    encoder = vit.vit(
        variant=(16, 2, 2, 4), positions="relative", image_size=16, drop_path=0.2, mask_token=True, dtype=dtype
    )
    return {"encoder": encoder, "classifier": heads.linear(out=6, dtype=dtype)}


def learns(examples: int) -> Method:
    encoder = vit.vit(variant=(48, 2, 4, 4), pool="mean", mask_token=True)
    made = beit(encoder, heads.linear(out=64), patch=4, hidden=19, drawn=4096)
    return made._replace(passes=(once(real.fed(made, real.images("train", 512)).passes[0]),))


def once(one):
    """The pass with a key of its own, so that each epoch finds the very same codes."""
    return one._replace(finish=lambda state, found, key: one.finish(state, found, jax.random.key(7)))
