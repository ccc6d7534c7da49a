"""What a part of an example is without a network: the features that those of encoders are compared with."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from ssl_jax.types import Array

PAIRS, BINS, FARTHEST = 2**14, 64, 3.0
"""Pairs of points that are drawn, bins of their distances, and the end of the last bin in mean distances."""


class Raw(NamedTuple):
    """name: of the features, in tables. of: clean views [b, ...] -> float32 [b, d]."""

    name: str
    of: Callable[[Array], Array]


def flat(views: Array) -> Array:
    """The numbers themselves, [b, ...] -> [b, d]. Their scale does not matter to any protocol."""
    return views.reshape(len(views), -1).astype(jnp.float32)


def d2_histogram(points: Array) -> Array:
    """Of clouds [b, n, c] the share of distances in each of `BINS`: D2 (Osada et al. 2002, Shape distributions).

    The distances are those of `PAIRS` pairs of points, the same pairs of each cloud, over their mean, so that neither
    the place nor the size of a shape counts, nor how it is turned. float32 [b, bins], whose sum is 1.
    """
    first, second = jax.random.randint(jax.random.key(0), (2, PAIRS), 0, points.shape[1])
    place = points[..., :3].astype(jnp.float32)
    apart = jnp.sqrt(jnp.square(place[:, first] - place[:, second]).sum(-1))
    apart = apart / jnp.maximum(apart.mean(1, keepdims=True), jnp.finfo(apart.dtype).tiny)
    bins = jnp.minimum(apart * (BINS / FARTHEST), BINS - 1).astype(jnp.int32)
    return jax.vmap(lambda row: jnp.bincount(row, length=BINS))(bins).astype(jnp.float32) / PAIRS


RAW = {
    "image": Raw("raw_pixels", flat),
    "clip": Raw("raw_pixels", flat),
    "series": Raw("raw_pixels", flat),
    "points": Raw("d2_histogram", d2_histogram),
}
"""By the kind of the part; texts have none."""
