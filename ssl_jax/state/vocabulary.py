"""Visual words that change while a network learns: a queue of features of places, and how far places are from them."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from ssl_jax.losses import distances, words
from ssl_jax.losses.precision import wide
from ssl_jax.state import queue
from ssl_jax.types import Array, Key

BORDER, AROUND, KEPT = 1, 3, 0.99
"""Places of the map's border that are left out, the side of the square whose mean a word is, and what survives of the
average distance in a step (arXiv:2012.11552, code)."""
START = 0.5


class Vocabulary(NamedTuple):
    """words: a Queue of n rows [d], features as they are. distance: [], the average of a place's squared distance to
    its nearest word, which codes are sharpened by."""

    words: queue.Queue
    distance: Array


def init(key: Key, size: int, maps: Array) -> Vocabulary:
    """`size` words of maps [b, h, w, d], of which only the shape is read: normal ones without their negative parts, as
    features after a ReLU are. Raises ValueError if `size` is no multiple of b, and for maps that have no words.
    """
    b, _, _, d = jax.eval_shape(inner, maps).shape
    dtype = wide(maps.dtype)
    held = queue.init(key, size, (d,), write=b, dtype=dtype)
    rows = jax.nn.relu(jax.random.normal(key, held.rows.shape, dtype))
    return Vocabulary(held._replace(rows=rows), jnp.asarray(START, dtype))


def inner(maps: Array) -> Array:
    """Maps [b, h, w, d] without their border, where padding shows. Raises ValueError where no square is left."""
    _, h, w, _ = maps.shape
    least = 2 * BORDER + AROUND
    if min(h, w) < least:
        raise ValueError(
            f"a map of {h} x {w} places has no words: of {least} x {least} or more they are taken; "
            "enlarge the teacher's view, or read an earlier stage"
        )
    return maps[:, BORDER:-BORDER, BORDER:-BORDER]


def described(held: Vocabulary, maps: Array, sharpness: float) -> tuple[Array, Array]:
    """The bags of words [b, n] of maps [b, h, w, d], and the average distance with this batch in it.

    sharpness: of codes over that average, 1 / delta at a distance of 1. No gradient passes.
    """
    held, maps = jax.lax.stop_gradient((held, maps))
    places = inner(maps).reshape(len(maps), -1, maps.shape[-1])
    found = distances.squared(places, held.words.rows)
    distance = KEPT * held.distance + (1 - KEPT) * jnp.mean(jnp.min(found, -1))
    return words.bags(found, sharpness / distance), distance


def sampled(key: Key, maps: Array) -> Array:
    """One word of each of the maps [b, h, w, d]: the mean of a random square of places, [b, d]."""
    parts = inner(maps)
    b, h, w, d = (side - AROUND + 1 if 0 < i < 3 else side for i, side in enumerate(parts.shape))
    chosen = jax.random.randint(key, (b,), 0, h * w, jnp.int32)
    rows, columns = (jnp.arange(AROUND, dtype=jnp.int32)[None] + at[:, None] for at in (chosen // w, chosen % w))
    every = jnp.arange(b, dtype=jnp.int32)[:, None, None]
    return jnp.mean(parts[every, rows[:, :, None], columns[:, None]], (1, 2))


def write(held: Vocabulary, rows: Array, distance: Array) -> Vocabulary:
    """With the oldest words replaced by rows [m, d], and the average as `described` gives it."""
    return Vocabulary(queue.write(held.words, rows), distance)
