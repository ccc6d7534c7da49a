"""Clouds of points on the host: points of a surface or of a cloud, and their scale.

An operation is `op(seed, items, **args) -> items`, as in `clips.py`, with one item a draw. Before `sample` an item is a
surface, float32 [m, 3, 3], or a cloud of any number of points, float32 [n, c]; after it a cloud float32 [size, c]. The
first three of the c numbers of a point are its position.
"""

import tensorflow as tf

from ssl_jax.views.geometric import uniform

FIXED = (0x9017, 5)
"""The seed of draws that are to be the same at every call."""


def sample(seed: tf.Tensor, items: list[tf.Tensor], size: int, *, fixed: bool = False) -> list[tf.Tensor]:
    """`size` points: of a surface uniformly by area, of a cloud without replacement; where it has fewer, they come
    again, all equally often up to one.

    fixed: the same draws for every example and at every call, for evaluation. The graph fails for what is not finite,
    for a surface without area and a cloud without points.
    """
    seed = tf.constant(FIXED, tf.int64) if fixed else tf.cast(seed, tf.int64)
    return [_drawn(item, seed + tf.constant([0, i << 40], tf.int64), size) for i, item in enumerate(items)]


def unit_sphere(seed: tf.Tensor, items: list[tf.Tensor]) -> list[tf.Tensor]:
    """The mean of the points to the origin, the farthest of them to distance 1 (PointNet, arXiv:1612.00593; code)."""
    return [_scaled(item) for item in items]


def _drawn(item: tf.Tensor, seed: tf.Tensor, size: int) -> tf.Tensor:
    surface = item.shape.rank == 3
    what = "triangles" if surface else "points"
    whole = tf.debugging.assert_positive(tf.shape(item)[0], f"there are no {what} to draw from")
    finite = tf.debugging.assert_equal(tf.reduce_all(tf.math.is_finite(item)), True, f"not all {what} are finite")
    with tf.control_dependencies([whole, finite]):
        return _of_surface(item, uniform(seed, [size, 3])) if surface else _of_cloud(item, seed, size)


def _of_surface(triangles: tf.Tensor, draws: tf.Tensor) -> tf.Tensor:
    """Points for draws [n, 3] in 0..1: one chooses the triangle, two the place in it."""
    a, b, c = tf.unstack(tf.cast(triangles, tf.float64), axis=1)  # squares of squares of small or large units
    until = tf.cumsum(tf.norm(tf.linalg.cross(b - a, c - a), axis=-1))
    some = tf.debugging.assert_positive(until[-1], "the surface has no area")
    with tf.control_dependencies([some]):
        place = tf.searchsorted(until, tf.cast(draws[:, 0], tf.float64) * until[-1], side="right")
    a, b, c = tf.unstack(tf.gather(triangles, tf.minimum(place, tf.shape(until)[0] - 1)), axis=1)
    root = tf.sqrt(draws[:, 1:2])  # uniform in the triangle: the square root of the share of its height
    return a + root * (b - a + draws[:, 2:] * (c - b))


def _of_cloud(points: tf.Tensor, seed: tf.Tensor, size: int) -> tf.Tensor:
    n = tf.shape(points)[0]
    order = tf.argsort(uniform(seed, [n]))
    return tf.gather(points, tf.gather(order, tf.range(size) % n))


def _scaled(points: tf.Tensor) -> tf.Tensor:
    place = points[:, :3] - tf.reduce_mean(points[:, :3], 0, keepdims=True)
    place = tf.math.divide_no_nan(place, tf.reduce_max(tf.norm(place, axis=-1)))
    return tf.concat([place, points[:, 3:]], 1)
