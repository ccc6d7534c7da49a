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
    hole: str = "center",
) -> Method:
    """size: pixels of the square that is predicted, in the paper half of the image's side. band: pixels at its border
    that are shown nevertheless. band_weight: how often errors of shown pixels count (code). weight: of the squared
    error, the adversary having the rest (eq. 3); 1 is L2 alone. color: of the hole, in the units of the views, for all
    channels or each; 0 is the mean of normalized images. hole: "center"; or, where the whole image is predicted without
    a band, "blocks" (section 3.3) or "blobs" (the code's random regions). Raises ValueError as `holes.named`.
    """
    ranges.above_zero(size=size)
    ranges.zero_or_more(band=band, band_weight=band_weight)
    ranges.share(weight=weight)
    options = dict(holes=holes.named(hole, size, band=band, color=color), weight=weight)
    error = functools.partial(reconstruction.hidden_squared, shown=band_weight)
    return inpainting(encoder, bottleneck, decoder, discriminator, error=error, **options)
