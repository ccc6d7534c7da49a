"""What a bottleneck says of an image, and the code that a decoder gets: a point, or a draw from a normal."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from ssl_jax.losses import likelihood
from ssl_jax.types import Array, Key


class Latent(NamedTuple):
    """mean: [b, k], what is embedded. drawn: [b, k], what is decoded. divergence: [b] in nats, or None."""

    mean: Array
    drawn: Array
    divergence: Array | None = None


def point(y: Array, key: Key | None) -> Latent:
    """The bottleneck's output [b, k] as it is."""
    return Latent(y, y)


def normal(y: Array, key: Key | None) -> Latent:
    """A draw from N(mean, sigma^2), of which y [b, 2 k] has the means and then log sigma^2 (arXiv:1312.6114, section
    2.4); the mean where the key is None. Its divergence is from N(0, I).

    Raises ValueError for an odd number of outputs.
    """
    if y.shape[-1] % 2:
        raise ValueError(
            f"the bottleneck says mean and variance of each number, and has {y.shape[-1]} outputs: double it"
        )
    mean, log_variance = jnp.split(y, 2, -1)
    noise = jnp.zeros_like(mean) if key is None else jax.random.normal(key, mean.shape, mean.dtype)
    return Latent(mean, mean + jnp.exp(log_variance / 2) * noise, likelihood.normal_divergence(mean, log_variance))
