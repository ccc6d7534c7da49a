"""What a part of an example is without a network: the features that those of encoders are compared with."""

from collections.abc import Callable, Iterable

import jax
import jax.numpy as jnp

from ssl_jax.types import Array

PAIRS, BINS, FARTHEST = 2**14, 64, 3.0
"""Pairs of points that are drawn, bins of their distances, and the end of the last bin in mean distances."""


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


def spectra(series: Array) -> Array:
    """The sizes of the Fourier coefficients in time, [b, t, c] -> [b, d]: blind to where a window begins."""
    return flat(jnp.abs(jnp.fft.rfft(series.astype(jnp.float32), axis=1)))


PARTS = {
    "image": {"raw_pixels": flat},
    "clip": {"raw_pixels": flat},
    "series": {"raw_series": flat, "spectra": spectra},
    "points": {"d2_histogram": d2_histogram},
}
"""By the kind of the part, the names of its features in tables and what makes them: clean views [b, ...] -> float32
[b, d]. Texts have none."""
NAMES = tuple(dict.fromkeys(name for features in PARTS.values() for name in features))


def of(part: str) -> dict[str, Callable[[Array], Array]]:
    """The features of a kind of part by name."""
    return PARTS.get(part, {})


def names(parts: Iterable[str]) -> tuple[str, ...]:
    """What there is for examples of these parts."""
    return tuple(dict.fromkeys(name for part in parts for name in of(part)))
