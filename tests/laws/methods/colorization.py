"""Bins of 40 at every fourth pixel of an image, found on a map of half as many places."""

from ssl_jax.nets.color_decoder import color_decoder
from ssl_jax.nets.lightness_resnet import lightness_resnet

ARGUMENTS = {"bin_size": 40, "neighbors": 3, "sigma": 20.0}
GROUPS = {"global": (1, 16)}
NO_CONTROL = "colors are its target: the same features for all places are no small loss"
learns = None  # the images are gray; tests/paradigms/test_pretext.py has others


def nets(dtype: str) -> dict:
    encoder = lightness_resnet(depth=(1, 1, 1), base=4, stem="half", zero_init=False, dtype=dtype)
    return {"encoder": encoder, "decoder": color_decoder(out=23, widths=(4,), dtype=dtype)}
