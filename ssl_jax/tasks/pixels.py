"""Pixels as the target of a masked model."""

import math
from collections.abc import Callable, Sequence

import jax.numpy as jnp

from ssl_jax.losses import reconstruction
from ssl_jax.types import Array


def patchify(images: Array, patch: int) -> Array:
    """[..., h, w, c] -> [..., l, p p c]: patches by rows, within one (row, column, channel) (arXiv:2111.06377, code).

    Raises ValueError if the patch size does not divide the image.
    """
    *lead, h, w, c = images.shape
    if h % patch or w % patch:
        raise ValueError(f"patches of {patch} pixels do not tile an image of {h} x {w}; take a divisor of both")
    grid = images.reshape(*lead, h // patch, patch, w // patch, patch, c).swapaxes(-4, -3)
    return grid.reshape(*lead, (h // patch) * (w // patch), patch * patch * c)


def unpatchify(patches: Array, patch: int, *, height: int, width: int) -> Array:
    """The inverse of `patchify`: [..., l, p p c] -> [..., height, width, c]."""
    *lead, _, size = patches.shape
    grid = patches.reshape(*lead, height // patch, width // patch, patch, patch, size // patch**2).swapaxes(-4, -3)
    return grid.reshape(*lead, height, width, size // patch**2)


def shuffled(images: Array, patch: int) -> Array:
    """[b, h, w, c] -> [b, l, c p p]: patches by rows, within one (channel, row, column), as torch's PixelShuffle."""
    b, c = images.shape[0], images.shape[-1]
    patches = patchify(images, patch)
    return patches.reshape(b, -1, patch * patch, c).swapaxes(2, 3).reshape(patches.shape)


def unshuffled(patches: Array, patch: int, *, height: int, width: int) -> Array:
    """The inverse of `shuffled`: [b, l, c p p] -> [b, height, width, c]."""
    by_pixel = patches.reshape(*patches.shape[:2], -1, patch * patch).swapaxes(2, 3).reshape(patches.shape)
    return unpatchify(by_pixel, patch, height=height, width=width)


def sides(image: Sequence[int], patches: int) -> tuple[int, int]:
    """(rows, columns) of the grid of square patches in an image [h, w, c] that has so many.

    Raises ValueError where there is none.
    """
    h, w = image[:2]
    patch = math.isqrt(h * w // patches)
    if (h // patch) * (w // patch) != patches:
        raise ValueError(f"{patches} places are no grid of square patches on an image of {h} x {w}")
    return h // patch, w // patch


def covered(hidden: Array, images: Array) -> Array:
    """The pixels of hidden patches: bool [b, l] -> [b, h, w, 1], for images [b, h, w, c]."""
    _, h, w, _ = images.shape
    rows, columns = sides(images.shape[1:], hidden.shape[1])
    grid = hidden.reshape(-1, rows, 1, columns, 1)
    return jnp.broadcast_to(grid, (len(hidden), rows, h // rows, columns, w // columns)).reshape(-1, h, w, 1)


def raw(patch: int) -> Callable[[Array], Array]:
    """The target `images [..., h, w, c] -> [..., l, p p c]`, pixels as they are."""
    return lambda images: patchify(images, patch)


def normalized(patch: int) -> Callable[[Array], Array]:
    """The target `images [..., h, w, c] -> [..., l, p p c]`, each patch normalized by its own mean and deviation."""
    return lambda images: reconstruction.normalize(patchify(images, patch))
