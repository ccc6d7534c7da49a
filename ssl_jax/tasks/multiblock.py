"""Blocks of patches to be predicted, and a context without them: I-JEPA's masks (arXiv:2301.08243, section 3)."""

import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ssl_jax.types import Array, Key


class Split(NamedTuple):
    """What is seen of each image, and which blocks are asked for; lists have one length, and entries that are not real.

    keep: int32 [b, k], places of the context in row-major order; seen: bool [b, k], which of them are real.
    at: int32 [b, m, t], places of the m blocks; asked: bool [b, m, t], which of them are real.
    """

    keep: Array
    seen: Array
    at: Array
    asked: Array


STEPS = 1000
"""Sizes of blocks are made of one of so many even steps of a uniform number, so that their list is known before."""
TRIES = 20
"""Draws of one image's places, of which the first is taken that leaves enough context."""


def multiblock(
    *,
    targets: int = 4,
    target_scale: tuple[float, float] = (0.15, 0.2),
    target_aspect: tuple[float, float] = (0.75, 1.5),
    context_scale: tuple[float, float] = (0.85, 1.0),
    context_share: float = 0.27,
    least: int = 10,
) -> Callable[[Key, int, tuple[int, int]], Split]:
    """The function (key, b, grid) -> Split, as I-JEPA's code draws them.

    The blocks to be predicted have one size in a batch, and the square context another: area and aspect, rows over
    columns, rise from the first to the second number with the same uniform draw. Each of an image's `targets` blocks
    and its context lie anywhere but, as there, in the last row and column of places. The context is what its square has
    beside the blocks, more than `least` patches. context_share: at most so much of the l patches is kept, the first in
    row-major order; the code cuts all images of a GPU down to the one that has fewest. The function raises ValueError
    for a grid on which the largest block leaves no more than `least` patches.
    """
    for name, pair in dict(target_scale=target_scale, context_scale=context_scale).items():
        if not 0 < pair[0] <= pair[1] <= 1:
            raise ValueError(f"{name} is {tuple(pair)}; give two shares of the image that rise within 0..1, above 0")
    if not 0 < target_aspect[0] <= target_aspect[1]:
        raise ValueError(f"target_aspect is {tuple(target_aspect)}; give two numbers above 0 that rise")

    def split(key: Key, b: int, grid: tuple[int, int]) -> Split:
        blocks, squares = sizes(grid, target_scale, target_aspect), sizes(grid, context_scale, (1.0, 1.0))
        longest, left = int(blocks.prod(1).max()), int(squares.prod(1).min())
        if left - longest <= least:
            raise ValueError(
                f"on a grid of {grid[0]} x {grid[1]} patches a block of {longest} leaves {left - longest} of the "
                f"{left} of the context, and more than {least} shall be left; take smaller blocks or patches"
            )
        block_key, square_key, places_key = jax.random.split(key, 3)
        block, square = (
            jnp.asarray(table, jnp.int32)[jax.random.randint(own, (), 0, STEPS)]
            for table, own in ((blocks, block_key), (squares, square_key))
        )
        most = max(1, min(int(context_share * grid[0] * grid[1]), int(squares.prod(1).max())))

        def one(key: Key) -> Split:
            sides = jnp.stack([*[block] * targets, square])
            room = jnp.asarray(grid, jnp.int32)[None] - sides  # without the last place, as in the code
            draws = jax.random.uniform(key, (TRIES, *sides.shape), jnp.float32)
            corners = jnp.floor(draws * room[None].astype(jnp.float32))
            corners = corners.astype(jnp.int32)
            boxes = _boxes(corners, sides, grid)
            context = boxes[:, -1] & ~boxes[:, :-1].any(1)
            left = context.sum((1, 2))
            taken = jnp.argmax(jnp.where(left > least, len(left) + context[0].size, left))
            keep, seen = _first(context[taken].reshape(-1), most)
            return Split(keep, seen, *_listed(corners[taken, :-1], block, longest, grid))

        return jax.vmap(one)(jax.random.split(places_key, b))

    return split


def sizes(grid: tuple[int, int], scale: tuple[float, float], aspect: tuple[float, float]) -> np.ndarray:
    """Rows and columns of a block for each of STEPS even draws: int [STEPS, 2], each smaller than the grid's."""
    draws, found = (np.arange(STEPS) + 0.5) / STEPS, []
    for draw in draws:
        area = int(grid[0] * grid[1] * (scale[0] + draw * (scale[1] - scale[0])))
        ratio = aspect[0] + draw * (aspect[1] - aspect[0])
        sides = math.sqrt(area * ratio), math.sqrt(area / ratio)
        found.append([max(1, min(round(side), most - 1)) for side, most in zip(sides, grid, strict=True)])
    return np.asarray(found)


def _boxes(corners: Array, sides: Array, grid: tuple[int, int]) -> Array:
    """Blocks as masks: corners int32 [n, m, 2], sides int32 [m, 2] -> bool [n, m, rows, columns]."""
    row, column = (
        (place >= low) & (place < low + sides[None, :, axis, None])
        for axis, length in enumerate(grid)
        for place, low in [(jnp.arange(length, dtype=jnp.int32)[None, None], corners[..., axis, None])]
    )
    return row[..., None] & column[..., None, :]


def _first(chosen: Array, most: int) -> tuple[Array, Array]:
    """bool [l] -> the places of the first `most` that are chosen, int32 [most], and which of these entries are."""
    places = jnp.argsort(~chosen, stable=True)[:most].astype(jnp.int32)
    return places, chosen[places]


def _listed(corners: Array, block: Array, longest: int, grid: tuple[int, int]) -> tuple[Array, Array]:
    """The places of blocks, corners int32 [m, 2]: int32 [m, longest], and which entries are real, bool [m, longest]."""
    entry = jnp.arange(longest, dtype=jnp.int32)[None]
    rows, columns = corners[:, :1] + entry // block[1], corners[:, 1:] + entry % block[1]
    real = entry < block[0] * block[1]
    return jnp.where(real, rows * grid[1] + columns, 0), jnp.broadcast_to(real, rows.shape)
