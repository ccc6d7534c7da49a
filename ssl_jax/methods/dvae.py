"""Discrete VAE (Ramesh et al. 2021, arXiv:2102.12092, section 2.1): images as a grid of codes, BEiT's tokenizer."""

from ssl_jax.paradigms.discrete_autoencoding import discrete_autoencoding
from ssl_jax.types import Card, Method, Net, Schedule

CARD = Card("Discrete VAE", "reconstruction", 2021, "arXiv:2102.12092")


def dvae(encoder: Net, decoder: Net, *, temperature: Schedule, kl_weight: Schedule) -> Method:
    """temperature: of the relaxed draws of codes, from 1 to 1/16 in the paper. kl_weight: of the codes' divergence from
    the uniform, from 0 to 6.6 there, beside a likelihood of another form: here it stands beside the squared error of
    normalized pixels.
    """
    return discrete_autoencoding(encoder, decoder, temperature=temperature, kl_weight=kl_weight)
