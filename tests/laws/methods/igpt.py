"""Eight colors, sequences of 64 pixels."""

import jax

from ssl_jax.methods.igpt import igpt
from ssl_jax.nets.pixel_transformer import pixel_transformer
from ssl_jax.types import Method
from tests.laws import real
from tests.laws.methods.beit import once

ARGUMENTS = {"drawn": 256, "iterations": 3}
GROUPS = {"global": (1, 8)}
NO_CONTROL = "colors of pixels are its target: a constant prediction is no small loss"


def nets(dtype: str) -> dict:
    return {"encoder": pixel_transformer(colors=8, image_size=8, width=16, layers=2, heads=2, dtype=dtype)}


def learns(examples: int) -> Method:
    """Of 14 pixels, as sequences of 784 cost minutes."""
    encoder = pixel_transformer(colors=8, image_size=14, width=48, layers=2, heads=4)
    made = smaller(igpt(encoder, drawn=4096))
    return made._replace(passes=(once(real.fed(made, real.images("train", 512)).passes[0]),))


def smaller(method: Method) -> Method:
    """The method on images of half the size."""

    def half(images):
        h, w = images.shape[-3] // 2, images.shape[-2] // 2
        return jax.image.resize(images, (*images.shape[:-3], h, w, images.shape[-1]), "linear")

    def fewer(batch):
        return {name: half(a) if name in ("global", "clean") else a for name, a in batch.items()}

    (one,) = method.passes
    fit = one._replace(fold=lambda state, found, batch, key: one.fold(state, found, fewer(batch), key))
    return method._replace(
        init=lambda key, batch: method.init(key, fewer(batch)),
        loss=lambda params, state, batch, *rest: method.loss(params, state, fewer(batch), *rest),
        embed=lambda params, state, inputs: method.embed(params, state, {"image": half(inputs["image"])}),
        passes=(fit,),
    )
