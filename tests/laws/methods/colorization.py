"""Bins of 40 at every fourth pixel of an image, found on a map of half as many places."""

import jax.numpy as jnp

from ssl_jax.methods.colorization import colorization
from ssl_jax.nets.color_decoder import color_decoder
from ssl_jax.nets.lightness_resnet import lightness_resnet
from ssl_jax.types import Method
from tests.laws import real

ARGUMENTS = {"bin_size": 40, "neighbors": 3, "sigma": 20.0}
GROUPS = {"global": (1, 16)}
NO_CONTROL = "colors are its target: the same features for all places are no small loss"


def nets(dtype: str) -> dict:
    encoder = lightness_resnet(depth=(1, 1, 1), base=4, stem="half", zero_init=False, dtype=dtype)
    return {"encoder": encoder, "decoder": color_decoder(out=23, widths=(4,), dtype=dtype)}


def learns(examples: int) -> Method:
    """Of images that are gray: what stands for their color is how they change to the right and down."""
    encoder = lightness_resnet(depth=(1, 1, 1), base=8, stem="half", zero_init=False)
    made = colorization(encoder, color_decoder(out=76, widths=(32,)), bin_size=20, stride=4)

    def dyed(x):
        """Gray images [..., h, w, 1] as the laws have them -> red, green and blue in -1..1."""
        gray = jnp.clip(x * real.STD + real.MEAN, 0, 1) * 2 - 1
        return jnp.concatenate([jnp.roll(gray, 2, -3), gray, jnp.roll(gray, 2, -2)], -1)

    def fed(batch):
        return {**batch, "global": dyed(batch["global"][:, :1])}

    return made._replace(
        init=lambda key, batch: made.init(key, fed(batch)),
        loss=lambda params, state, batch, *rest: made.loss(params, state, fed(batch), *rest),
        embed=lambda params, state, inputs: made.embed(params, state, {"image": dyed(inputs["image"])}),
        passes=(),  # with a prior of equal colors the weights are 1
    )
