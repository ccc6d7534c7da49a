"""The middle patch of nine and a neighbor of it: where does that lie (arXiv:1505.05192)? And what would tell it."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from ssl_jax.tasks import pieces
from ssl_jax.types import Array, Key

GRID, CENTER = 3, 4
NEIGHBORS = (0, 1, 2, 3, 5, 6, 7, 8)
"""The cells of a 3 x 3 grid in row-major order, of which the middle one is 4. A neighbor's label is its place here."""
LEAST = 10 / 96
"""The side to which a patch is shrunk at the most, as a share of its own: 10 of 96 pixels (released code)."""


class Drawn(NamedTuple):
    """What is drawn for patches [b, m, s, s, c].

    moves: int32 [b, m, 2], down and right from the grid, in pixels. side: float32 [b, m], whole pixels to which a patch
    is shrunk before it is enlarged again; s where it is not. kept: int32 [b, m], the only channel that stays, or -1.
    noise: [b, m, s, s, c], standard normal.
    """

    moves: Array
    side: Array
    kept: Array
    noise: Array


def draw(key: Key, images: Array, *, patch: int, jitter: int, shrunk: float, drop_colors: float) -> Drawn:
    """For images [b, v, h, w, c] with nine patches each, m = 9 v. shrunk, drop_colors: shares of the patches.

    Moves are -jitter..jitter; what a patch is shrunk to has an area between `LEAST`**2 of its own and almost all.
    """
    b, v, _, _, c = images.shape
    shape, keys = (b, GRID**2 * v), jax.random.split(key, 6)
    area = jax.random.uniform(keys[1], shape, minval=max(LEAST * patch, 2) ** 2, maxval=max(patch - 1, 2) ** 2)
    small = jax.random.uniform(keys[2], shape) < shrunk
    dropped = (jax.random.uniform(keys[3], shape) < drop_colors) & (c > 1)
    return Drawn(
        jax.random.randint(keys[0], (*shape, 2), -jitter, jitter + 1, jnp.int32),
        jnp.where(small, jnp.floor(jnp.sqrt(area)), patch),
        jnp.where(dropped, jax.random.randint(keys[4], shape, 0, c, jnp.int32), -1),
        jax.random.normal(keys[5], (*shape, patch, patch, c), images.dtype),
    )


def patches(images: Array, moves: Array, *, patch: int, gap: int, jitter: int) -> Array:
    """Images [b, v, h, w, c] -> patches [b, 9 v, patch, patch, c]: of each image the middle one, and the neighbors.

    They lie `gap` pixels apart in the middle of the image, each moved by `moves`. Raises ValueError where the image has
    no room for them.
    """
    b, v, h, w, c = images.shape
    needed = GRID * patch + (GRID - 1) * gap + 2 * jitter
    if min(h, w) < needed:
        raise ValueError(
            f"nine patches of {patch} pixels with gaps of {gap} and a jitter of {jitter} take images of {needed} "
            f"pixels, and the views have {h} x {w}: make config.method.patch smaller, or the views larger"
        )
    start = jnp.array([(side - needed) // 2 + jitter for side in (h, w)], jnp.int32)
    order = jnp.array((CENTER, *NEIGHBORS), jnp.int32)
    corners = pieces.cells(GRID)[order] * (patch + gap) + start + moves.reshape(b * v, GRID**2, 2)
    found = pieces.cut(images.reshape(b * v, h, w, c), corners, size=patch)
    return found.reshape(b, v * GRID**2, patch, patch, c)


def guarded(found: Array, drawn: Drawn) -> Array:
    """Patches [b, m, s, s, c] without what would give them away at a glance, of the same shape.

    Some are blurred by being made small and large again, so that no edge is as sharp as its continuation; some keep one
    channel, the others becoming noise of a hundredth of its deviation, as lenses shift colors outwards; all are
    `pieces.standardized`.
    """
    size = found.shape[2]
    through = jax.vmap(jax.vmap(lambda side: resampling(size, side)))(drawn.side).astype(found.dtype)
    sharp = (drawn.side == size)[..., None, None, None]
    blurred = jnp.einsum("bmij,bmjkc,bmlk->bmilc", through, found, through, precision="highest")
    found = jnp.where(sharp, found, blurred)
    chosen = jax.nn.one_hot(drawn.kept, found.shape[-1], dtype=bool)[:, :, None, None]
    own = jnp.sum(jnp.where(chosen, found, 0), -1, keepdims=True)
    own = own - jnp.mean(own, (2, 3), keepdims=True)
    noise = drawn.noise * jnp.std(own, (2, 3), keepdims=True) / 100
    one = jnp.where(chosen, own, noise)
    whole = (drawn.kept < 0)[..., None, None, None]
    return pieces.standardized(jnp.where(whole, found, one))


def resampling(size: int, side: Array) -> Array:
    """[size, size]: a row of `size` pixels sampled at `side` places, and these at `size` again, both linearly.

    side: a whole number of pixels, 1..size, as a float.
    """
    whole = jnp.arange(size, dtype=side.dtype)
    down = jnp.clip((whole + 0.5) * size / side - 0.5, 0, size - 1)  # of which the first `side` are read
    up = jnp.clip((whole + 0.5) * side / size - 0.5, 0, side - 1)
    small = jnp.maximum(1 - jnp.abs(down[:, None] - whole[None]), 0)
    return jnp.matmul(jnp.maximum(1 - jnp.abs(up[:, None] - whole[None]), 0), small, precision="highest")


def asked(
    key: Key, images: Array, *, patch: int, gap: int, jitter: int, shrunk: float, drop_colors: float
) -> tuple[Array, Array]:
    """Images [b, v, h, w, c] -> guarded patches [b, 9 v, patch, patch, c], and of each neighbor its place, [b, 8 v]."""
    b, v = images.shape[:2]
    drawn = draw(key, images, patch=patch, jitter=jitter, shrunk=shrunk, drop_colors=drop_colors)
    labels = jnp.tile(jnp.arange(len(NEIGHBORS), dtype=jnp.int32), v)
    found = patches(images, drawn.moves, patch=patch, gap=gap, jitter=jitter)
    return guarded(found, drawn), jnp.broadcast_to(labels[None], (b, len(labels)))


def pairs(features: Array) -> Array:
    """What is known of patches [b, 9 v, d] as pairs of the middle one and a neighbor: [b, 8 v, 2, d]."""
    b, m, d = features.shape
    of = features.reshape(b, m // GRID**2, GRID**2, d)
    middle = jnp.broadcast_to(of[:, :, :1], of[:, :, 1:].shape)
    return jnp.stack([middle, of[:, :, 1:]], 3).reshape(b, -1, 2, d)


def picture(found: Array, logits: Array) -> dict[str, Array]:
    """Patches [b, 9, s, s, c] as they lie, and each neighbor where the answers place it: images [b, side, side, c].

    logits: [b, 8, 8], of neighbors and places. Of several at one place the surest is seen; where there is none, NaN.
    """
    here = jnp.argmax(logits, -1)[:, None] == jnp.arange(len(NEIGHBORS))[None, :, None]  # [b, place, neighbor]
    surest = jnp.argmax(jnp.where(here, jax.nn.log_softmax(logits).max(-1)[:, None], -jnp.inf), -1)
    placed = jnp.take_along_axis(found[:, 1:], surest[:, :, None, None, None], 1)
    placed = jnp.where(jnp.any(here, -1)[:, :, None, None, None], placed, jnp.nan)

    def around(neighbors: Array) -> Array:
        return pieces.mosaic(jnp.concatenate([neighbors[:, :CENTER], found[:, :1], neighbors[:, CENTER:]], 1))

    return {"solved": around(placed), "true": around(found[:, 1:])}
