"""Series of sensors on the host: which readings a view shows.

An operation is `op(seed, items, **args) -> items`, as in `geometric.py`, with one item float32 [t, c] a draw.
"""

import tensorflow as tf

from ssl_jax.views import geometric
from ssl_jax.views.clips import PLACES


def window(seed: tf.Tensor, items: list[tf.Tensor], *, size: int, place: str = "random") -> list[tf.Tensor]:
    """`size` readings in a row, anywhere or in the middle of each series.

    place: "random" or "center". The graph fails, in one sentence, at a series that is shorter, that has missing
    readings, or that is constant, of which nothing can be learned.
    """
    if place not in PLACES:
        raise ValueError(f"window: place '{place}' is neither {' nor '.join(PLACES)}")
    fractions = tf.unstack(geometric.uniform(seed, [len(items)]) if place == "random" else tf.fill([len(items)], 0.5))
    known = {id(item): _usable(item, size) for item in items}
    return [_cut(known[id(item)], fraction, size) for item, fraction in zip(items, fractions, strict=True)]


def stretch(seed: tf.Tensor, items: list[tf.Tensor], *, factor: tuple[float, float] = (0.8, 1.25)) -> list[tf.Tensor]:
    """Each series played slower by a factor that is log-uniform in this range, on straight lines between readings.

    Before `window`. It changes whatever is counted in time, such as a heart rate or a speed: only for labels that do
    not depend on it, and part of no preset.
    """
    low, high = (tf.math.log(tf.constant(f, tf.float32)) for f in factor)
    factors = tf.unstack(tf.exp(low + (high - low) * geometric.uniform(seed, [len(items)])))
    return [_stretched(item, slower) for item, slower in zip(items, factors, strict=True)]


def _usable(item: tf.Tensor, size: int) -> tf.Tensor:
    """The series itself. The graph fails where no window of it could be used."""
    length = tf.shape(item)[0]
    short = tf.strings.format("the series has {} readings, and a window has {}: take a smaller size", (length, size))
    checks = (
        tf.debugging.Assert(length >= size, [short]),
        tf.debugging.Assert(tf.reduce_all(tf.math.is_finite(item)), ["the series has missing readings"]),
        tf.debugging.Assert(tf.reduce_any(item != item[:1]), ["the series is constant"]),
    )
    with tf.control_dependencies(checks):
        return tf.identity(item)


def _cut(item: tf.Tensor, fraction: tf.Tensor, size: int) -> tf.Tensor:
    room = tf.cast(tf.shape(item)[0] - size, tf.float32)
    first = tf.cast(tf.floor(fraction * (room + 1)), tf.int32)
    return tf.ensure_shape(item[first : first + size], [size, item.shape[1]])


def _stretched(item: tf.Tensor, slower: tf.Tensor) -> tf.Tensor:
    there = tf.shape(item)[0]
    count = tf.cast(tf.floor(tf.cast(there - 1, tf.float32) * slower), tf.int32) + 1
    times = tf.minimum(tf.cast(tf.range(count), tf.float32) / slower, tf.cast(there - 1, tf.float32))
    first = tf.minimum(tf.cast(tf.floor(times), tf.int32), there - 2)
    part = (times - tf.cast(first, tf.float32))[:, None]
    made = tf.gather(item, first) * (1 - part) + tf.gather(item, first + 1) * part
    return tf.ensure_shape(made, [None, item.shape[1]])
