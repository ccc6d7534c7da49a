"""iGPT (Chen et al. 2020, "Generative Pretraining from Pixels"): images as sequences of colors, pixel by pixel."""

from ssl_jax.checks import ranges, spelling
from ssl_jax.paradigms.pixel_prediction import PALETTE, pixel_prediction, with_palette
from ssl_jax.passes import patch_codes
from ssl_jax.tasks import pixels, sequences
from ssl_jax.types import Card, Method, Net

CARD = Card("iGPT", "masked modeling", 2020)
CHOICES = {"objectives": ("gpt", "bert"), "corruptions": sequences.CORRUPTIONS}


def igpt(
    encoder: Net,
    *,
    objective: str = "gpt",
    mask_ratio: float = 0.15,
    corruption: str = "zero",
    drawn: int = 2**17,
    iterations: int = 20,
) -> Method:
    """encoder: a `pixel_transformer`, causal for objective "gpt", the next pixel, and not for "bert": each pixel is
    asked with a chance of `mask_ratio`, and corrupted as `sequences.corrupted` says. Its palette is found before the
    first step by `iterations` steps of k-means on `drawn` pixels of the training images.
    """
    for value, (what, choices) in zip((objective, corruption), CHOICES.items(), strict=True):
        if value not in choices:
            raise ValueError(spelling.unknown(value, choices, f"the {what} of iGPT"))
    ranges.above_zero(mask_ratio=mask_ratio)
    ranges.below_one(mask_ratio=mask_ratio)
    cut, (found, keep) = pixels.raw(1), patch_codes.under(PALETTE)
    put = lambda state, book: with_palette(keep(state, book), book.centers)  # noqa: E731
    options = dict(what="colors", option="nets.encoder.colors", drawn=drawn, iterations=iterations)
    fit = patch_codes.fitting(lambda batch: cut(batch["clean"][:, 0]), found, put, **options)
    corrupt = sequences.corrupting(mask_ratio, corruption) if objective == "bert" else None
    colors_of = lambda images, palette: patch_codes.codes(cut(images), palette)  # noqa: E731
    return pixel_prediction(encoder, colors_of, kept=patch_codes.unfound, corrupt=corrupt, passes=(fit,))
