"""Context encoder (Pathak et al. 2016, arXiv:1604.07379): the middle of an image from what is around it."""

import functools

from ssl_jax.checks import ranges
from ssl_jax.losses import reconstruction
from ssl_jax.paradigms.inpainting import inpainting
from ssl_jax.tasks import holes
from ssl_jax.types import Card, Method, Net

CARD = Card("Context encoder", "reconstruction", 2016, "arXiv:1604.07379")


def context_encoder(
    encoder: Net,
    bottleneck: Net,
    decoder: Net,
    discriminator: Net,
    *,
    size: int,
    band: int = 4,
    band_weight: float = 10.0,
    weight: float = 0.999,
    color: tuple[float, ...] = (0.0,),
) -> Method:
    """size: pixels of the square that is predicted, in the paper half of the image's side. band: pixels at its border
    that are shown nevertheless, whose errors count `band_weight` times (code). weight: of the squared error, the
    adversary having the rest (eq. 3); 1 is L2 alone. color: of the hole, in the units of the views, a number for all
    channels or one for each; 0 is the mean of normalized images. Raises ValueError for a band that leaves no hole.
    """
    ranges.above_zero(size=size, band_weight=band_weight)
    ranges.zero_or_more(band=band)
    ranges.share(weight=weight)
    if size <= 2 * band:
        raise ValueError(
            f"a band of {band} pixels leaves no hole in a square of {size}: take a band below {size / 2:g}"
        )
    holed = functools.partial(holes.filled, size=size - 2 * band, color=color)
    error = functools.partial(reconstruction.banded, band=band, weight=band_weight)
    return inpainting(encoder, bottleneck, decoder, discriminator, size=size, holed=holed, error=error, weight=weight)
