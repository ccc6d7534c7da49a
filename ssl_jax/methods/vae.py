"""VAE (Kingma & Welling 2014, arXiv:1312.6114): a code that is drawn, near a normal, and back to the image."""

import functools

import jax

from ssl_jax.checks import ranges, spelling
from ssl_jax.losses import likelihood as likelihoods
from ssl_jax.paradigms.autoencoding import autoencoding
from ssl_jax.tasks import latents
from ssl_jax.types import Card, Method, Net

CARD = Card("Variational autoencoder", "reconstruction", 2014, "arXiv:1312.6114")


def vae(
    encoder: Net,
    bottleneck: Net,
    decoder: Net,
    *,
    likelihood: str = "gaussian",
    variance: float = 1.0,
    beta: float = 1.0,
) -> Method:
    """The negative evidence bound (eq. 3), in nats: sums over pixels and over latents, a mean over images.

    bottleneck: twice as many outputs as the code has numbers. likelihood: "gaussian" of this `variance`, in the units
    of the views; or "bernoulli", of views in 0..1, for which the decoder gives logits. beta: the weight of the
    divergence (beta-VAE). Raises ValueError for another likelihood.
    """
    known = {"gaussian": functools.partial(likelihoods.gaussian, variance=variance), "bernoulli": likelihoods.bernoulli}
    if likelihood not in known:
        raise ValueError(spelling.unknown(likelihood, known, "the likelihoods"))
    ranges.above_zero(variance=variance)
    ranges.zero_or_more(beta=beta)
    image = jax.nn.sigmoid if likelihood == "bernoulli" else lambda y: y
    nets = encoder, bottleneck, decoder
    return autoencoding(*nets, error=known[likelihood], latent=latents.normal, weight=beta, image=image)
