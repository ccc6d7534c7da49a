"""Encoders with random weights of any network, without training: every array is far from its usual start.

And who reads them: torch's libraries live in a Python of their own, named by SSL_JAX_INTEROP.
"""

import os

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ssl_jax.config import recipes, schema
from ssl_jax.features import encoder
from ssl_jax.features.encoder import Encoder

INTEROP = os.environ.get("SSL_JAX_INTEROP")
interop = pytest.mark.skipif(not INTEROP, reason="SSL_JAX_INTEROP names no Python with torch, timm and transformers")
RESNET = dict(nets__encoder__depth="18", nets__encoder__stem="imagenet", nets__encoder__base="64")
VIT = dict(nets__encoder__variant="Ti/16", clean__0__size="64", nets__encoder__image_size="64")
TOWER = dict(nets__encoder__input_norm="True", nets__encoder__activation="quick_gelu", nets__encoder__eps="1e-5")
SWIN = dict(nets__encoder__variant="(16, (2, 4), (2, 4))", nets__encoder__window="4", clean__0__size="32")
SWIN |= dict(nets__encoder__dtype="float32")
"""A map of 8 x 8 patches in four windows, and one of 4 x 4 in a single one."""
LEARNED, FIXED = "dino_imagenet_vits16", "mae_imagenet_vitb16"


def drawn(recipe: str, *, channels: int = 3, **changes: str) -> Encoder:
    """The encoder of a recipe with nets__encoder__depth="18" and the like changed."""
    changes = {key.replace("__", "."): value for key, value in changes.items()}
    config = schema.resolve(recipes.override(schema.resolve(recipes.load(recipe)), changes))
    size, draw = config["clean"][0]["size"], np.random.default_rng(0)

    def leaf(path, a):
        noise = draw.normal(size=a.shape)
        if path[-1].key in ("scale", "var"):
            return jnp.asarray(1 + 0.3 * np.abs(noise), a.dtype)
        fan = np.prod(a.shape[-4:-1]) if path[-1].key == "kernel" and a.ndim == 4 else a.shape[-2] if a.ndim > 1 else 50
        return jnp.asarray(noise * (1.4 / fan) ** 0.5, a.dtype)

    shapes = jax.eval_shape(
        encoder.network(config, "encoder").init, jax.random.key(0), jnp.zeros((1, size, size, channels))
    )
    return encoder.made(config, 7, "encoder", "encoder", *jax.tree.map_with_path(leaf, shapes))
