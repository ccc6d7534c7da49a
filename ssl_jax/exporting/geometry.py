"""What an encoder is to others: the images that it takes, its kind of network and its weights."""

from typing import Any

import numpy as np

from ssl_jax import __version__
from ssl_jax.exporting import adapting, names
from ssl_jax.features.encoder import Encoder
from ssl_jax.nets import positions
from ssl_jax.views import compose

MASK = "mask_token"
"""What a network has for training alone."""


def about(encoder: Encoder) -> dict:
    """What a file of this library's own says of itself, beside the weights."""
    said = {"config": encoder.config, "step": encoder.step, "which": encoder.which, "role": encoder.role}
    return {**said, "ssl_jax": __version__}


def shape(encoder: Encoder) -> tuple[int, int, int]:
    """(height, width, channels) of the images."""
    size = encoder.config["clean"][0]["size"]
    return size, size, encoder.channels


def normalization(config: dict) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """(mean, std) in units of 0..1. Raises ValueError where the clean view has another operation on colors."""
    mean, std = (0.0,), (1.0,)
    for op in config["clean"][0]["ops"]:
        if op["name"] == "normalize":
            mean, std = op["args"]["mean"], op["args"]["std"]
        elif op["name"] in compose.PHOTOMETRIC:
            raise ValueError(f"the recipe's clean view has '{op['name']}', which no exported encoder carries along")
    return mean, std


def normalized(config: dict, images: Any) -> Any:
    """Images in 0..1, numpy or traced, as the network wants them."""
    mean, std = (np.asarray(values, np.float32) for values in normalization(config))
    return (images - mean) / std


def fixed_positions(config: dict, own: names.Flat) -> np.ndarray | None:
    """The positions [l, d] of the patches of the images, where the network has fixed ones."""
    if "patch_embed/kernel" not in own or "pos_embed" in own or "relative_bias" in own:
        return None
    return positions.sincos(*grid(config, own), own["patch_embed/kernel"].shape[-1])


def grid(config: dict, own: names.Flat) -> tuple[int, int]:
    """Patches in a column and in a row of the images, for a vision transformer."""
    return (config["clean"][0]["size"] // own["patch_embed/kernel"].shape[0],) * 2


def weights(encoder: Encoder, layout: names.Layout) -> names.Flat:
    """The weights by the names of `layout`; learned positions are those for the images that the recipe evaluates."""
    own = names.flat(encoder.params, encoder.stats)
    own.pop(MASK, None)  # evaluation hides nothing, and most libraries have none
    if "pos_embed" in own:
        places, (h, w) = own["pos_embed"], grid(encoder.config, own)
        own["pos_embed"] = adapting.moved_positions(places, (1, int("cls_token" in own) + h * w, places.shape[2]))
    found = names.exported(own, layout, fixed_positions(encoder.config, own))
    return {layout.inside + name: value for name, value in found.items()}
