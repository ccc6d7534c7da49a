"""Residual networks that see the light of an image and not its colors: colorization's."""

import jax.numpy as jnp

from ssl_jax.nets.resnet import resnet
from ssl_jax.types import Array, Net
from ssl_jax.views import color_spaces


def lightness_resnet(
    *,
    depth: int | tuple[int, ...] = 50,
    width: int = 1,
    stem: str = "imagenet",
    groups: int = 1,
    zero_init: bool = True,
    dtype: str = "float32",
    base: int = 64,
    remat: bool = False,
) -> Net:
    """`resnet` on the `lightness` of images [b, h, w, 3], one channel (arXiv:1603.08511). Options as there."""
    inner = resnet(
        depth=depth, width=width, stem=stem, groups=groups, zero_init=zero_init, dtype=dtype, base=base, remat=remat
    )

    def apply(params, stats, x, *, train, key=None):
        return inner.apply(params, stats, lightness(x), train=train, key=key)

    return Net(lambda key, x: inner.init(key, lightness(x)), apply)


def lightness(x: Array) -> Array:
    """sRGB in -1..1, [b, h, w, 3], -> CIE L in -1..1, [b, h, w, 1]. Raises ValueError for other than three channels."""
    if x.shape[-1] != 3:
        raise ValueError(f"lightness_resnet sees the light of images in color, and these have {x.shape[-1]} channels")
    pixels = jnp.clip((x + 1) / 2, 0, 1)
    light, _, _ = color_spaces.cie_lab([pixels[..., i] for i in range(3)], jnp.where)
    return light[..., None] / 50 - 1
