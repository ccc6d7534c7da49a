"""BigBiGAN (Donahue & Simonyan 2019, arXiv:1907.02544): an encoder that a joint discriminator teaches."""

from ssl_jax.checks import ranges
from ssl_jax.paradigms.bidirectional import bidirectional
from ssl_jax.types import Card, Method, Net

CARD = Card("BigBiGAN", "reconstruction", 2019, "arXiv:1907.02544")


def bigbigan(
    encoder: Net, bottleneck: Net, generator: Net, discriminator: Net, *, times: int = 2, average: float = 0.0
) -> Method:
    """Hinge losses of the scores of images, of codes and of both (section 2); no labels.

    bottleneck: pool -> means and deviations of the code, twice as many outputs as it has numbers. times: steps of the
    discriminator for one of encoder and generator. average: what survives a step of the generator's running average,
    which makes the pictures alone; 0 for none, 0.9999 in BigGAN (arXiv:1809.11096, section 3).
    """
    ranges.above_zero(times=times)
    ranges.share(average=average)
    return bidirectional(encoder, bottleneck, generator, discriminator, times=times, average=average)
