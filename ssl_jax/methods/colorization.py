"""Colorization (Zhang et al. 2016, arXiv:1603.08511): which color has each place of a gray image?"""

from functools import partial

from ssl_jax.checks import ranges
from ssl_jax.paradigms.pretext import last_map, pretext
from ssl_jax.passes import frequencies, times
from ssl_jax.tasks import colors
from ssl_jax.types import Card, Method, Net

CARD = Card("Colorization", "pretext task", 2016, "arXiv:1603.08511")


def colorization(
    encoder: Net,
    decoder: Net,
    *,
    bin_size: int = 10,
    stride: int = 4,
    neighbors: int = 10,
    sigma: float = 5.0,
    uniform: float = 0.5,
) -> Method:
    """Defaults of the released code. Views are sRGB in -1..1. encoder: `lightness_resnet`. decoder: `color_decoder`,
    with an output for each bin. bin_size, sigma: in units of a and b. uniform: the share of equal classes in the prior.
    """
    ranges.above_zero(bin_size=bin_size, stride=stride, neighbors=neighbors, sigma=sigma, uniform=uniform)
    ranges.share(uniform=uniform)
    palette = colors.Palette(colors.bins(bin_size), stride, neighbors, sigma)
    return pretext(
        encoder,
        decoder,
        lambda key, held, images: (images, colors.targets(images, stride=stride)),
        colors.judge(palette, uniform=uniform),
        role="decoder",
        read=last_map,
        held=partial(colors.unknown, palette),
        picture=lambda key, held, images, logits: colors.picture(images, logits, palette),
        passes=(frequencies.counting(partial(colors.counts, palette=palette), due=times.at_the_start),),
    )
