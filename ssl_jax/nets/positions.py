"""Positions of the patches on a grid: fixed sines and cosines, learned ones, and where one lies from another."""

import jax
import numpy as np

from ssl_jax.types import Array


def sincos(height: int, width: int, features: int) -> np.ndarray:
    """Fixed positions [height * width, features] of a grid in row-major order, float64.

    As MAE (arXiv:2111.06377; its code): the first half of the features encodes the column, the second the row,
    each as all sines, then all cosines, of index / 10000^(i / (features / 4)). A grid of another size has the
    same values at the same indices. Raises ValueError where `features` is no multiple of 4.
    """
    if features % 4:
        raise ValueError(f"sine-cosine positions need a width that is a multiple of 4, not {features}")
    rate = 10000.0 ** (-np.arange(features // 4) / (features // 4))
    row, column = np.mgrid[:height, :width].reshape(2, -1, 1) * rate
    return np.concatenate([np.sin(column), np.cos(column), np.sin(row), np.cos(row)], -1)


def space_time(frames: int, height: int, width: int, features: int) -> np.ndarray:
    """Fixed positions [frames * height * width, features] of a clip, frame after frame, float64.

    `sincos` of the place in the frame plus, over all features, the sines and cosines of the frame's number: a sum of a
    part for space and one for time, as in arXiv:2205.09113 (section 3), which learns both. Raises as `sincos`.
    """
    space = sincos(height, width, features)
    rate = 10000.0 ** (-np.arange(features // 2) / (features // 2))
    angle = np.arange(frames)[:, None] * rate
    return (np.concatenate([np.sin(angle), np.cos(angle)], -1)[:, None] + space).reshape(-1, features)


def resample(learned: Array, old: tuple[int, int], new: tuple[int, int]) -> Array:
    """Learned positions [1, h w, d] of the grid `old` for the grid `new` by bicubic interpolation.

    Antialiased with Keys' a = -1/2, as timm's; DINO's code uses torch's plain bicubic (a = -3/4).
    The same grid returns the very array.
    """
    if old == new:
        return learned
    image = learned.reshape(1, *old, -1)
    return jax.image.resize(image, (1, *new, image.shape[-1]), "bicubic").reshape(1, new[0] * new[1], -1)


def between(height: int, width: int, side: int, *, cls: bool) -> np.ndarray:
    """Which row of a table each pair of tokens has, query after query: int32 [l, l] (BEiT, arXiv:2106.08254; code).

    Patches of a grid in row-major order have the row of their displacement (query - key), of which there are
    (2 side - 1)^2, as a grid of side x side has them: a smaller one has some of these. cls: one more token comes first,
    with rows of its own behind them: from it to patches, from patches to it, and to itself.
    """
    row, column = np.mgrid[:height, :width].reshape(2, -1)
    apart = [place[:, None] - place[None] + side - 1 for place in (row, column)]
    patches = (apart[0] * (2 * side - 1) + apart[1]).astype(np.int32)
    if not cls:
        return patches
    rows = np.full((len(patches) + 1,) * 2, (2 * side - 1) ** 2, np.int32)
    rows[1:, 0] += 1
    rows[0, 0] += 2
    rows[1:, 1:] = patches
    return rows
