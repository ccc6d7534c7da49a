"""Holes in images: what is cut out, what is shown instead, and what is put back."""

import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.experimental.shard_alike import shard_alike

from ssl_jax.types import Array, Key


class Holes(NamedTuple):
    """How images are cut, and what is predicted of them.

    cut: (key, images [b, h, w, c]) -> (what is shown of them, hidden: bool [b or 1, s, s] of the predicted square).
    target: images -> that square, [b, s, s, c]. pasted: (images, predictions, hidden) -> images with the holes filled.
    """

    cut: Callable[[Key, Array], tuple[Array, Array]]
    target: Callable[[Array], Array]
    pasted: Callable[[Array, Array, Array], Array]


def named(hole: str, size: int, *, band: int, color: tuple[float, ...]) -> Holes:
    """`central` for the hole "center", else `anywhere`. Raises ValueError as these, and for a band elsewhere."""
    if hole == "center":
        return central(size, band=band, color=color)
    if band:
        raise ValueError(f"band is {band} pixels, and only a hole in the center has one: with hole='{hole}' say band=0")
    return anywhere(hole, size, color=color)


def central(size: int, *, band: int, color: tuple[float, ...]) -> Holes:
    """A square in the middle, of which `size` pixels are predicted; `band` of these on each side are shown.

    color: of the hole, a number for all channels or one for each. What is put back is the whole square. Raises
    ValueError for a band that leaves no hole and (called) where the square does not lie inside the image, or for
    another number of channels.
    """
    if size <= 2 * band:
        raise ValueError(
            f"a band of {band} pixels leaves no hole in a square of {size}: take a band below {size / 2:g}"
        )

    def cut(key: Key, images: Array) -> tuple[Array, Array]:
        inner = size - 2 * band
        middle = jnp.broadcast_to(_colored(images, color), (len(images), inner, inner, images.shape[-1]))
        inside = (jnp.arange(size) >= band) & (jnp.arange(size) < size - band)
        return pasted(images, middle), (inside[:, None] & inside[None])[None]

    return Holes(cut, lambda images: center(images, size), lambda images, made, hidden: pasted(images, made))


def anywhere(shape: str, size: int, *, color: tuple[float, ...]) -> Holes:
    """About a quarter of the image, in a `shape` of SHAPES and other places for each image; all of it is predicted.

    size: the image's side. color: as in `central`. What is put back is hidden pixels alone. Raises ValueError for
    another shape and (called) for images of another size.
    """
    if shape not in SHAPES:
        raise ValueError(f"the hole is '{shape}'; there are center, {', '.join(SHAPES)}")

    def cut(key: Key, images: Array) -> tuple[Array, Array]:
        hidden = jax.vmap(lambda key: SHAPES[shape](key, size))(jax.random.split(key, len(images)))
        # without a word on it the compiler has every device draw the holes of all images
        hidden = shard_alike(hidden, target(images)[..., 0] < 0)[0]
        return jnp.where(hidden[..., None], _colored(images, color), images), hidden

    def target(images: Array) -> Array:
        if images.shape[1:3] != (size, size):
            h, w = images.shape[1:3]
            raise ValueError(f"with holes anywhere the whole image is predicted, {h} x {w} pixels, and size is {size}")
        return images

    return Holes(cut, target, lambda images, made, hidden: jnp.where(hidden[..., None], made, images))


CELLS, DENSITY, BOUNDS, TRIES = 0.06 * 128, 0.25, (0.2, 0.3), 20
"""The code's pattern: cells of noise on a side, its quantile below which is hidden, shares that are taken, draws."""


def blobs(key: Key, size: int) -> Array:
    """Where smooth noise is low: bool [size, size] (context encoders, arXiv:1604.07379, code, train_random.lua).

    Uniform noise, about CELLS numbers a side, is resized by a bicubic kernel; what is below DENSITY is hidden. Taken is
    the first of TRIES draws whose share lies within BOUNDS, else the one that is nearest to DENSITY.
    """
    grid, scale = math.ceil(CELLS) + 4, size / CELLS
    noise_key, shift_key = jax.random.split(key)
    noise = jax.random.uniform(noise_key, (TRIES, grid, grid), jnp.float32)
    shifts = -scale * (1.5 + jax.random.uniform(shift_key, (TRIES, 2), jnp.float32))  # so that no kernel meets a border

    def resized(noise: Array, shift: Array) -> Array:
        at = dict(shape=(size, size), spatial_dims=(0, 1), scale=jnp.full(2, scale, jnp.float32), translation=shift)
        return jax.image.scale_and_translate(noise, **at, method="cubic", antialias=False)

    drawn = jax.vmap(resized)(noise, shifts) < DENSITY
    share = jnp.mean(drawn.astype(jnp.float32), (1, 2))
    taken = (share > BOUNDS[0]) & (share < BOUNDS[1])
    order = jnp.where(taken, jnp.arange(TRIES, dtype=jnp.float32), TRIES + jnp.abs(share - DENSITY))
    return drawn[jnp.argmin(order)]


BLOCKS = 4
"""How many, each a quarter of the image's side wide, so that without overlaps they cover a quarter of it."""


def blocks(key: Key, size: int) -> Array:
    """Squares that may overlap, up to a quarter of the image: bool [size, size] (arXiv:1604.07379, section 3.3)."""
    side = max(size // BLOCKS, 1)
    corners = jax.random.randint(key, (2, BLOCKS), 0, size - side + 1)
    place = jnp.arange(size)[None]
    rows, columns = ((place >= corner[:, None]) & (place < corner[:, None] + side) for corner in corners)
    return jnp.any(rows[:, :, None] & columns[:, None], 0)


SHAPES = {"blobs": blobs, "blocks": blocks}
"""How holes lie that are anywhere, by the names of recipes."""


def center(images: Array, size: int) -> Array:
    """The middle of [b, h, w, c]: [b, size, size, c]. Raises ValueError where it does not lie inside."""
    top, left = _corner(images, size)
    return images[:, top : top + size, left : left + size]


def pasted(images: Array, middle: Array) -> Array:
    """Images [b, h, w, c] with `middle` [b, s, s, c] in their middle. Raises ValueError as `center`."""
    top, left = _corner(images, middle.shape[1])
    return jax.lax.dynamic_update_slice(images, middle.astype(images.dtype), (0, top, left, 0))


def _colored(images: Array, color: tuple[float, ...]) -> Array:
    c = images.shape[-1]
    if len(color) not in (1, c):
        raise ValueError(f"the hole's color has {len(color)} numbers and the images have {c} channels: give 1 or {c}")
    return jnp.asarray(color, images.dtype)


def _corner(images: Array, size: int) -> tuple[int, int]:
    h, w = images.shape[1:3]
    if size < 1 or size >= min(h, w):
        raise ValueError(
            f"a hole of {size} pixels does not lie inside an image of {h} x {w}: take 1 to {min(h, w) - 1}"
        )
    return (h - size) // 2, (w - size) // 2
