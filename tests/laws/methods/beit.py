"""Six codes of patches of 4 pixels, blocks of up to six of 16."""

from collections.abc import Callable

import jax

from ssl_jax.methods.beit import beit
from ssl_jax.nets import heads, vit
from ssl_jax.types import Method, Pass
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
    made = changed(beit(encoder, heads.linear(out=64), patch=4, hidden=19, drawn=4096), lambda images: images)
    return made._replace(passes=(once(real.fed(made, real.images("train", 512)).passes[0]),))


def changed(method: Method, one: Callable) -> Method:
    """The method on the first view of each image, which `one` changes."""

    def first(batch):
        return {**batch, **{name: one(batch[name][:, :1]) for name in ("global", "clean") if name in batch}}

    def reading(walk):
        fold = lambda state, found, batch, key: walk.fold(state, found, first(batch), key)  # noqa: E731
        return walk._replace(fold=fold)

    return method._replace(
        init=lambda key, batch: method.init(key, first(batch)),
        loss=lambda params, state, batch, *rest: method.loss(params, state, first(batch), *rest),
        embed=lambda params, state, inputs: method.embed(params, state, {"image": one(inputs["image"])}),
        passes=tuple(map(reading, method.passes)),
    )


def once(walk: Pass) -> Pass:
    """The pass with a key of its own, so that each epoch finds the very same codes."""
    return walk._replace(finish=lambda state, found, key: walk.finish(state, found, jax.random.key(7)))
