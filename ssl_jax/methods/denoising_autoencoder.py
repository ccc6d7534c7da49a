"""Denoising autoencoder (Vincent et al. 2008): the clean image from a corrupted one."""

import functools

from ssl_jax.checks import ranges, spelling
from ssl_jax.losses.likelihood import mean_squared_error
from ssl_jax.paradigms.autoencoding import autoencoding
from ssl_jax.tasks.corruptions import CORRUPTIONS
from ssl_jax.types import Card, Method, Net

CARD = Card("Denoising autoencoder", "reconstruction", 2008)


def denoising_autoencoder(
    encoder: Net, bottleneck: Net, decoder: Net, *, noise: str = "gaussian", amount: float = 0.5
) -> Method:
    """noise: "gaussian", `amount` the deviation in the units of the views; or "masking", the share of pixels set to 0.

    The squared error from the clean image, a mean over its numbers. Raises ValueError for another noise.
    """
    if noise not in CORRUPTIONS:
        raise ValueError(spelling.unknown(noise, CORRUPTIONS, "the kinds of noise"))
    ranges.above_zero(amount=amount)
    if noise == "masking":
        ranges.below_one(amount=amount)

    corrupt = functools.partial(CORRUPTIONS[noise], amount=amount)
    return autoencoding(encoder, bottleneck, decoder, error=mean_squared_error, corrupt=corrupt)
