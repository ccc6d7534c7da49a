"""A square hole in the middle of an image: what is cut out, what is shown instead, and what is put back."""

import jax
import jax.numpy as jnp

from ssl_jax.types import Array


def center(images: Array, size: int) -> Array:
    """The middle of [b, h, w, c]: [b, size, size, c]. Raises ValueError where it does not lie inside."""
    top, left = _corner(images, size)
    return images[:, top : top + size, left : left + size]


def pasted(images: Array, middle: Array) -> Array:
    """Images [b, h, w, c] with `middle` [b, s, s, c] in their middle. Raises ValueError as `center`."""
    top, left = _corner(images, middle.shape[1])
    return jax.lax.dynamic_update_slice(images, middle.astype(images.dtype), (0, top, left, 0))


def filled(images: Array, size: int, color: tuple[float, ...]) -> Array:
    """Images [b, h, w, c] with a middle of one color, a number for all channels or one for each.

    Raises ValueError as `center`, and for another number of channels.
    """
    b, _, _, c = images.shape
    if len(color) not in (1, c):
        raise ValueError(f"the hole's color has {len(color)} numbers and the images have {c} channels: give 1 or {c}")
    return pasted(images, jnp.broadcast_to(jnp.asarray(color, images.dtype), (b, size, size, c)))


def _corner(images: Array, size: int) -> tuple[int, int]:
    h, w = images.shape[1:3]
    if size < 1 or size >= min(h, w):
        raise ValueError(
            f"a hole of {size} pixels does not lie inside an image of {h} x {w}: take 1 to {min(h, w) - 1}"
        )
    return (h - size) // 2, (w - size) // 2
