"""Square pieces that lie on a grid of an image: where they lie, to cut them, and to lay them out again."""

import jax
import jax.numpy as jnp

from ssl_jax.types import Array


def cells(grid: int) -> Array:
    """The rows and columns of a grid's cells in row-major order, int32 [grid**2, 2]."""
    places = jnp.arange(grid**2, dtype=jnp.int32)
    return jnp.stack([places // grid, places % grid], 1)


def cut(images: Array, corners: Array, *, size: int) -> Array:
    """The squares of size x size whose first rows and columns are the corners, which lie inside.

    images: [n, h, w, c]; corners: int32 [n, p, 2] -> [n, p, size, size, c].
    """

    def piece(image: Array, corner: Array) -> Array:
        start = (corner[0], corner[1], jnp.zeros((), corner.dtype))
        return jax.lax.dynamic_slice(image, start, (size, size, image.shape[-1]))

    return jax.vmap(jax.vmap(piece, (None, 0)))(images, corners)


def standardized(pieces: Array) -> Array:
    """Pieces [..., h, w, c], each channel less its mean, and each piece over the deviation of what is left of it.

    No piece has then an average color or a contrast by which its neighbors are known. A piece of one color becomes 0.
    """
    centered = pieces - jnp.mean(pieces, (-3, -2), keepdims=True)
    return centered * jax.lax.rsqrt(jnp.mean(jnp.square(centered), (-3, -2, -1), keepdims=True) + 1e-6)


def mosaic(pieces: Array) -> Array:
    """Pieces [n, grid**2, s, s, c] side by side in row-major order: [n, side, side, c], with lines of NaN between."""
    n, p, s, _, c = pieces.shape
    grid = round(p**0.5)
    edged = jnp.pad(pieces, ((0, 0), (0, 0), (0, 1), (0, 1), (0, 0)), constant_values=jnp.nan)
    rows = edged.reshape(n, grid, grid, s + 1, s + 1, c).swapaxes(2, 3)
    return rows.reshape(n, grid * (s + 1), grid * (s + 1), c)[:, :-1, :-1]
