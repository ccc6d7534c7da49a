"""BEiT (Bao et al. 2021, arXiv:2106.08254): name the codes of hidden patches, which a finished tokenizer gives them."""

from ssl_jax.checks import ranges
from ssl_jax.paradigms.masked_tokens import Tokenizer, masked_tokens, network
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
    own = network(tokenizer, size=tokenizer_size) if tokenizer else _k_means(patch, drawn, iterations)
    return masked_tokens(encoder, classifier, own, hide=masks.so_many(hidden, shape=mask_shape), most=hidden)


def _k_means(patch: int, drawn: int, iterations: int) -> Tokenizer:
    def init(key, images, count):
        return patch_codes.init(key, pixels.patchify(images, patch), count)

    def codes(book, images):
        return patch_codes.codes(pixels.patchify(images, patch), book.centers)

    def pictures(book, codes, images):
        height, width = images.shape[1:3]
        return pixels.unpatchify(book.centers[codes], patch, height=height, width=width).astype(images.dtype)

    fit = patch_codes.fitting(
        lambda batch: pixels.patchify(batch["clean"][:, 0], patch),
        lambda state: state.method_state["tokenizer"],
        lambda state, book: state._replace(method_state={**state.method_state, "tokenizer": book}),
        drawn=drawn,
        iterations=iterations,
        option="nets.classifier.out",
    )
    return Tokenizer(init, codes, pictures, (fit,))
