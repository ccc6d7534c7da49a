"""Eight colors, sequences of 64 pixels."""

import jax

from ssl_jax.methods.igpt import igpt
from ssl_jax.nets.pixel_transformer import pixel_transformer
from ssl_jax.types import Method, Net
from tests.laws import real
from tests.laws.methods.beit import changed, once

ARGUMENTS = {"drawn": 256, "iterations": 3}
GROUPS = {"global": (1, 8)}
NO_CONTROL = "colors of pixels are its target: a constant prediction is no small loss"


def nets(dtype: str) -> dict:
    return {"encoder": speaking(pixel_transformer(colors=8, image_size=8, width=16, layers=2, heads=2, dtype=dtype))}


def speaking(net: Net) -> Net:
    """The network with an output layer that is not zero, as no gradient passes one at the first step."""

    def init(key, x):
        params, stats = net.init(key, x)
        return {**params, "head": jax.random.normal(key, params["head"].shape, params["head"].dtype)}, stats

    return Net(init, net.apply)


def learns(examples: int) -> Method:
    """Of 7 pixels, as sequences of 784 cost minutes."""

    def small(images):
        h, w = images.shape[-3] // 4, images.shape[-2] // 4
        return jax.image.resize(images, (*images.shape[:-3], h, w, images.shape[-1]), "linear")

    encoder = pixel_transformer(colors=8, image_size=7, width=48, layers=4, heads=4)
    made = changed(igpt(encoder, drawn=4096), small)
    return made._replace(passes=(once(real.fed(made, real.images("train", 512)).passes[0]),))
