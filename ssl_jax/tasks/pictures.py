"""Arrays as lines of images: what methods hand to those who look."""

import jax.numpy as jnp

from ssl_jax.types import Array


def in_lines(images: Array, *, width: int = 8, most: int = 64) -> dict[str, Array]:
    """The first `most` of images [n, h, w, c] in lines of `width`, by their places; NaN fills up the last line."""
    images = images[:most]
    filled = jnp.pad(images, ((0, -len(images) % width), (0, 0), (0, 0), (0, 0)), constant_values=jnp.nan)
    starts = range(0, len(images), width)
    return {f"{i + 1} to {min(i + width, len(images))}": filled[i : i + width] for i in starts}


def contrasted(images: Array, *, reach: float = 0.8) -> Array:
    """Directions [n, h, w, c] as images around 0, the greatest number of each at `reach`; zeros stay."""
    greatest = jnp.max(jnp.abs(images), (1, 2, 3), keepdims=True)
    return reach * images / jnp.where(greatest > 0, greatest, 1)


def of_components(mean: Array, kernel: Array) -> Array:
    """The mean [h, w, c], and the columns of kernel [h, w, c, k] behind it, as images [1 + k, h, w, c]."""
    return jnp.concatenate([mean[None], contrasted(jnp.moveaxis(kernel, -1, 0))])


def of_parts(title: str, parts: Array, images: Array, made: Array) -> dict[str, dict[str, Array]]:
    """The pictures of parts [n, h, w, c], and of images [b, h, w, c] over what parts make of them."""
    return {title: in_lines(parts), "reconstruction": {"input": images, "reconstruction": made}}
