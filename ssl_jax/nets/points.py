"""Clouds of points [b, n, 3] in patches: centers that are far from each other, and the neighbors of each."""

import jax
import jax.numpy as jnp

from ssl_jax.types import Array


def farthest(points: Array, count: int, *, first: int = 0) -> Array:
    """Farthest point sampling (PointNet++, arXiv:1706.02413, section 3.2): int32 [b, count], indices of the points.

    It begins with the point `first`, and goes on with the one whose distance to its nearest chosen one is largest, of
    equal ones the first. Where the points of a cloud are in random order the first is as good as a draw.
    """

    def chosen(i: int, carry: tuple[Array, Array]) -> tuple[Array, Array]:
        indices, nearest = carry
        last = jnp.take_along_axis(points, indices[:, i - 1][:, None, None], 1)
        nearest = jnp.minimum(nearest, _squared(points, last))
        return indices.at[:, i].set(jnp.argmax(nearest, 1).astype(jnp.int32)), nearest

    b, n = points.shape[:2]
    start = jnp.full((b, count), first, jnp.int32), jnp.full((b, n), jnp.inf, points.dtype)
    return jax.lax.fori_loop(1, count, chosen, start)[0]


def neighbors(points: Array, centers: Array, count: int) -> Array:
    """The `count` points nearest to each center [b, g, 3]: int32 [b, g, count], the nearest first."""
    apart = _squared(points[:, None], centers[:, :, None])
    return jax.lax.top_k(-apart, count)[1].astype(jnp.int32)


def patches(points: Array, count: int, size: int) -> tuple[Array, Array]:
    """(centers [b, count, 3], patches [b, count, size, 3]): `farthest` points, and their `neighbors` relative to them.

    A center is its own nearest neighbor, so that each patch begins with a zero. Raises ValueError for points of other
    shapes, and for clouds of fewer points than are wanted.
    """
    if points.ndim != 3 or points.shape[2] != 3:
        raise ValueError(f"a network for points takes [b, n, 3], not {list(points.shape)}: give others another encoder")
    if points.shape[1] < max(count, size):
        raise ValueError(f"clouds of {points.shape[1]} points have no {count} patches of {size} points each")
    points = jax.lax.stop_gradient(points)
    centers = jnp.take_along_axis(points, farthest(points, count)[..., None], 1)
    near = neighbors(points, centers, size).reshape(len(points), -1, 1)
    found = jnp.take_along_axis(points, near, 1).reshape(*centers.shape[:2], size, 3)
    return centers, found - centers[:, :, None]


def _squared(a: Array, b: Array) -> Array:
    """Squared distances of points that broadcast against each other: [..., 3] -> [...]."""
    return jnp.square(a - b).sum(-1)
