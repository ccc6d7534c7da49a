"""Arrays as images for those who look: parts that were found, and what images become by them."""

import jax.numpy as jnp

from ssl_jax.types import Array

MOST = 64
"""Parts in a picture."""


def contrasted(images: Array, *, reach: float = 0.8) -> Array:
    """Directions [n, h, w, c] as images around 0, the greatest number of each at `reach`; zeros stay."""
    greatest = jnp.max(jnp.abs(images), (1, 2, 3), keepdims=True)
    return reach * images / jnp.where(greatest > 0, greatest, 1)


def of_components(mean: Array, kernel: Array) -> Array:
    """The mean [h, w, c], and the columns of kernel [h, w, c, k] behind it, as images [1 + k, h, w, c]."""
    return jnp.concatenate([mean[None], contrasted(jnp.moveaxis(kernel, -1, 0))])


def of_parts(title: str, parts: Array, images: Array, made: Array) -> dict[str, dict[str, Array]]:
    """A picture of the first parts [n, h, w, c], and one of images [b, h, w, c] with what parts make of them below."""
    return {title: {title: parts[:MOST]}, "reconstruction": {"input": images, "reconstruction": made}}
