"""Tiles of an image in one of a set of orders, and which one it is (arXiv:1603.09246)."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from ssl_jax.tasks import pieces
from ssl_jax.types import Array, Key


class Drawn(NamedTuple):
    """labels: int32 [b, v], the number of each image's order. moves: int32 [b, v, p, 2], of the tile of each cell, down
    and right in pixels."""

    labels: Array
    moves: Array


def draw(key: Key, images: Array, *, orders: int, grid: int, jitter: int) -> Drawn:
    """All orders alike, and moves of 0..jitter pixels, for images [b, v, h, w, c]."""
    label_key, move_key = jax.random.split(key)
    labels = jax.random.randint(label_key, images.shape[:2], 0, orders, jnp.int32)
    return Drawn(labels, jax.random.randint(move_key, (*images.shape[:2], grid**2, 2), 0, jitter + 1, jnp.int32))


def puzzle(images: Array, orders: Array, drawn: Drawn, *, tile: int, jitter: int) -> Array:
    """Images [b, v, h, w, c] -> tiles [b, v, p, tile, tile, c]: tile j is that of cell orders[label][j].

    orders: int32 [k, p], p = grid**2; cells are in row-major order and lie at equal steps, as in `views/jigsaw.py`.
    Raises ValueError where an image has no room for them.
    """
    b, v, h, w, c = images.shape
    grid, needed = round(orders.shape[1] ** 0.5), tile + jitter
    if min(h, w) < grid * needed:
        raise ValueError(
            f"a jigsaw of {grid} x {grid} tiles of {tile} pixels with a jitter of {jitter} takes images "
            f"of {grid * needed} pixels, and the views have {h} x {w}: make config.method.tile smaller, or the views "
            "larger"
        )
    steps = jnp.array([(side - needed) // max(grid - 1, 1) for side in (h, w)], jnp.int32)
    corners = pieces.cells(grid) * steps + drawn.moves
    corners = jnp.take_along_axis(corners, orders[drawn.labels][..., None], 2)
    tiles = pieces.cut(images.reshape(b * v, h, w, c), corners.reshape(b * v, -1, 2), size=tile)
    return tiles.reshape(b, v, *tiles.shape[1:])


def asked(key: Key, orders: Array, images: Array, *, tile: int, jitter: int) -> tuple[Array, Array]:
    """Images [b, v, h, w, c] -> standardized tiles [b, v p, tile, tile, c] in drawn orders, and their labels [b, v]."""
    tiles, labels = _drawn(key, orders, images, tile, jitter)
    return pieces.standardized(tiles).reshape(len(images), -1, *tiles.shape[3:]), labels


def gathered(features: Array, *, grid: int) -> Array:
    """What is known of tiles [b, v p, d], by images: [b, v, p, d]."""
    return features.reshape(len(features), -1, grid**2, features.shape[-1])


def picture(key: Key, orders: Array, images: Array, logits: Array, *, tile: int, jitter: int) -> dict:
    """{"jigsaw": rows}: the tiles of `asked` as shown, put back by the answers, and rightly: images [b, side, side, c].

    images: [b, 1, h, w, c]; logits: [b, 1, k], of the orders.
    """
    tiles, labels = (drawn[:, 0] for drawn in _drawn(key, orders, images, tile, jitter))
    solved, true = (put_back(tiles, orders[numbers]) for numbers in (logits[:, 0].argmax(-1), labels))
    rows = {"puzzle": tiles, "solved": solved, "true": true}
    return {"jigsaw": {name: pieces.mosaic(shown) for name, shown in rows.items()}}


def put_back(tiles: Array, orders: Array) -> Array:
    """Tiles [b, p, s, s, c] in row-major order, where tile j is that of cell orders[j], int32 [b, p]."""
    return jnp.take_along_axis(tiles, jnp.argsort(orders, 1)[:, :, None, None, None], 1)


def _drawn(key: Key, orders: Array, images: Array, tile: int, jitter: int) -> tuple[Array, Array]:
    count, places = orders.shape
    drawn = draw(key, images, orders=count, grid=round(places**0.5), jitter=jitter)
    return puzzle(images, orders, drawn, tile=tile, jitter=jitter), drawn.labels
