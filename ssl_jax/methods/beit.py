"""BEiT (Bao et al. 2021, arXiv:2106.08254): name the codes of hidden patches, which a finished tokenizer gives them."""

from ssl_jax.checks import ranges
from ssl_jax.paradigms.masked_tokens import TOKENIZER, masked_tokens, network, of_patches
from ssl_jax.passes import patch_codes
from ssl_jax.tasks import masks, pixels
from ssl_jax.types import Card, Method, Net

CARD = Card("BEiT", "masked modeling", 2021, "arXiv:2106.08254")


def beit(
    encoder: Net,
    classifier: Net,
    *,
    patch: int,
    tokenizer: Net | None = None,
    tokenizer_size: int = 0,
    hidden: int = 75,
    mask_shape: str = "block",
    drawn: int = 2**16,
    iterations: int = 20,
) -> Method:
    """hidden: patches, of 14 x 14 in the code. mask_shape: "block" or "random". classifier: `out` is the number of
    codes. tokenizer: a dVAE's encoder, which the recipe's `start` gives, and which sees the image at `tokenizer_size`
    pixels, 0 for as it is. Without one, codes are the nearest of so many centers of patches, found before the first
    step by `iterations` steps of k-means on `drawn` patches.
    """
    ranges.above_zero(patch=patch, hidden=hidden)
    ranges.zero_or_more(tokenizer_size=tokenizer_size)
    cut = pixels.raw(patch)
    options = dict(drawn=drawn, iterations=iterations, option="nets.classifier.out")
    fit = patch_codes.fitting(lambda batch: cut(batch["clean"][:, 0]), *patch_codes.under(TOKENIZER), **options)
    centers = of_patches(patch, init=patch_codes.init, codes=patch_codes.codes, passes=(fit,))
    named = network(tokenizer, size=tokenizer_size) if tokenizer else centers
    hide = masks.so_many(hidden, shape=mask_shape)
    return masked_tokens(encoder, classifier, named, patch=patch, hide=hide, most=hidden)
