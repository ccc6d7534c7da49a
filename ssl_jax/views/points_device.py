"""Clouds of points on the device, float32 [n, c]: one cloud a call, as `compose_device.py` vectorizes them.

The first three of the c numbers of a point are its position; the others stay as they are. Augmentations come after
`unit_sphere`, so that their strengths mean the same for every cloud.
"""

import jax
import jax.numpy as jnp

from ssl_jax.types import Array, Key


def stretch(key: Key, points: Array, *, factors: tuple[float, float] = (2 / 3, 3 / 2)) -> Array:
    """Each axis times a factor of its own from U(factors) (Point-MAE, arXiv:2203.06604; code)."""
    low, high = factors
    return _placed(points, points[:, :3] * jax.random.uniform(key, (1, 3), points.dtype, low, high))


def shift(key: Key, points: Array, *, offset: float = 0.2) -> Array:
    """All points moved by one vector, each part of it from U(-offset, offset) (arXiv:2203.06604; code)."""
    return _placed(points, points[:, :3] + jax.random.uniform(key, (1, 3), points.dtype, -offset, offset))


def turn(key: Key, points: Array, *, axis: str = "y") -> Array:
    """A turn by any angle around the vertical axis, "x", "y" or "z" (PointNet, arXiv:1612.00593, section 5.1)."""
    angle = jax.random.uniform(key, (), points.dtype, 0, 2 * jnp.pi)
    first, second = (i for i in range(3) if i != "xyz".index(axis))
    u, v = points[:, first], points[:, second]
    cos, sin = jnp.cos(angle), jnp.sin(angle)
    return points.at[:, first].set(cos * u - sin * v).at[:, second].set(sin * u + cos * v)


def _placed(points: Array, positions: Array) -> Array:
    return positions if points.shape[1] == 3 else jnp.concatenate([positions, points[:, 3:]], 1)
