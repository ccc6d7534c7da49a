"""Histograms of oriented gradients (Dalal & Triggs 2005) as MaskFeat predicts them (arXiv:2112.09133; code)."""

import jax
import jax.numpy as jnp
import numpy as np

from ssl_jax.losses.precision import widen
from ssl_jax.tasks import pixels
from ssl_jax.types import Array

EPS = 1e-12
"""The least length that a histogram is divided by: one without gradients stays 0."""


def histograms(images: Array, *, cell: int = 8, bins: int = 9, window: int = 0) -> Array:
    """[b, h, w, c] -> [b, h / cell, w / cell, c, bins], of length 1 for each cell and channel, or 0 where it is flat.

    Sobel's gradients, the border reflected; a pixel adds the length of its gradient to the bin of its direction, which
    counts modulo pi. Scaling and shifting the values of a channel changes nothing, so that normalized views are as good
    as others. window: pixels of a side of windows side by side in which lengths are weighted by a Gaussian (MMSelfSup:
    16), 0 for equal weights, as in the authors' code. Raises ValueError where cells or windows do not tile the image.
    """
    b, h, w, c = images.shape
    for what, side in (("cells", cell), ("windows", window or cell)):
        if h % side or w % side:
            raise ValueError(f"{what} of {side} pixels do not tile an image of {h} x {w}: take a divisor of both")
    down, across = gradients(widen(images))
    length = jnp.sqrt(down**2 + across**2)
    if window:
        length = length * weights(h, w, window).astype(length.dtype)[None, :, :, None]
    bin_of = jnp.floor(jnp.arctan2(across, down) / np.pi * bins).astype(jnp.int32) % bins
    votes = jax.nn.one_hot(bin_of, bins, dtype=length.dtype) * length[..., None]
    votes = votes.reshape(b, h // cell, cell, w // cell, cell, c, bins).sum((2, 4))
    return votes / jnp.maximum(jnp.sqrt(jnp.sum(votes**2, -1, keepdims=True)), EPS)


def gradients(images: Array) -> tuple[Array, Array]:
    """Sobel's differences (from top to bottom, from left to right), each the shape of the images."""
    x = jnp.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="reflect")
    rows = x[:, :-2] - x[:, 2:]
    columns = x[:, :, :-2] - x[:, :, 2:]
    down = rows[:, :, :-2] + 2 * rows[:, :, 1:-1] + rows[:, :, 2:]
    across = columns[:, :-2] + 2 * columns[:, 1:-1] + columns[:, 2:]
    return down, across


def weights(h: int, w: int, window: int) -> Array:
    """A Gaussian over each window, of a deviation of half its side: [h, w], in a window of sum 1."""
    side = np.exp(-0.5 * ((np.arange(window) - (window - 1) / 2) / (window // 2)) ** 2)
    one = np.outer(side, side)
    return jnp.asarray(np.tile(one / one.sum(), (h // window, w // window)))


def by_patch(images: Array, patch: int, *, cell: int = 8, bins: int = 9, window: int = 0) -> Array:
    """[b, h, w, c] -> [b, l, c bins n n], n = patch / cell: of each patch by channel, bin, row and column of the cell.

    Raises ValueError where cells do not tile a patch.
    """
    if patch % cell:
        raise ValueError(f"cells of {cell} pixels do not tile a patch of {patch} x {patch}: take a divisor")
    found = histograms(images, cell=cell, bins=bins, window=window)
    b, rows, columns, c, _ = found.shape
    return pixels.shuffled(found.reshape(b, rows, columns, c * bins), patch // cell)
