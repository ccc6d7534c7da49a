"""Series of sensors on the device: float32 [t, c], one series and one key at a time.

An operation is `op(key, series [t, c], **args) -> series`. Amounts are in units of what `standardize` makes, so that it
comes first, or of the sensors themselves where it is left out.
The augmentations are those of Um et al. 2017 (arXiv:1706.00527, section 3) that move nothing in time, so that what is
counted in time stays as it is; `flip_sign` is only for sensors whose sign means nothing, such as an accelerometer worn
either way round.
"""

import jax
import jax.numpy as jnp

from ssl_jax.types import Array, Key

SMALLEST = 1e-6
"""Of a standard deviation, so that a sensor that stands still stays at zero."""


def standardize(key: Key, series: Array) -> Array:
    """Each sensor with mean 0 and standard deviation 1 over the window; one that stands still is zero."""
    centered = series - series.mean(0, keepdims=True)
    return centered / jnp.maximum(jnp.sqrt(jnp.square(centered).mean(0, keepdims=True)), SMALLEST)


def affine(key: Key, series: Array, *, mean: tuple[float, ...], std: tuple[float, ...]) -> Array:
    """(series - mean) / std with numbers for each sensor, which keeps what tells windows apart by their size."""
    return (series - jnp.array(mean, series.dtype)[None]) / jnp.array(std, series.dtype)[None]


def add_noise(key: Key, series: Array, *, amount: float = 0.05) -> Array:
    """Normal noise of this standard deviation, its own at every reading ("jittering")."""
    return series + amount * jax.random.normal(key, series.shape, series.dtype)


def rescale(key: Key, series: Array, *, amount: float = 0.1) -> Array:
    """Each sensor times exp(N(0, amount²)), a factor near 1 that is never negative ("scaling")."""
    return series * jnp.exp(amount * jax.random.normal(key, (1, series.shape[1]), series.dtype))


def cutout(key: Key, series: Array, *, share: float = 0.1) -> Array:
    """A stretch of U(0, share) of the window, anywhere in it, becomes zero in all sensors."""
    t = series.shape[0]
    size, where = jax.random.uniform(key, (2,))
    length = size * share * t
    start = where * (t - length)
    time = jnp.arange(t)
    hidden = (time >= start) & (time < start + length)
    return jnp.where(hidden[:, None], jnp.zeros((), series.dtype), series)


def flip_sign(key: Key, series: Array) -> Array:
    """All sensors times -1; the recipe says how often, with p."""
    return -series
