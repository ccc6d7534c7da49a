"""Autoencoder (Rumelhart, Hinton & Williams 1986): the image through a narrow code and back."""

from ssl_jax.losses.likelihood import mean_squared_error
from ssl_jax.paradigms.autoencoding import autoencoding
from ssl_jax.types import Card, Method, Net

CARD = Card("Autoencoder", "reconstruction", 1986)


def autoencoder(encoder: Net, bottleneck: Net, decoder: Net) -> Method:
    """The squared error, a mean over the numbers of an image. A linear one finds the plane of PCA."""
    return autoencoding(encoder, bottleneck, decoder, error=mean_squared_error)
