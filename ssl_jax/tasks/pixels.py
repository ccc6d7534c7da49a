"""Pixels as the target of a masked model."""

from collections.abc import Callable

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


def raw(patch: int) -> Callable[[Array], Array]:
    """The target `images [..., h, w, c] -> [..., l, p p c]`, pixels as they are."""
    return lambda images: patchify(images, patch)


def normalized(patch: int) -> Callable[[Array], Array]:
    """The target `images [..., h, w, c] -> [..., l, p p c]`, each patch normalized by its own mean and deviation."""
    return lambda images: reconstruction.normalize(patchify(images, patch))
