"""iGPT (Chen et al. 2020, "Generative Pretraining from Pixels"): images as sequences of colors, pixel by pixel."""

from ssl_jax.checks import ranges, spelling
from ssl_jax.paradigms.pixel_prediction import pixel_prediction
from ssl_jax.passes import patch_codes
from ssl_jax.tasks import pixels, sequences
from ssl_jax.types import Card, Method, Net

CARD = Card("iGPT", "masked modeling", 2020)
OBJECTIVES = ("gpt", "bert")


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
    asked with a chance of `mask_ratio`, and corrupted as `sequences.CORRUPTIONS` say. Its palette is found before the
    first step by `iterations` steps of k-means on `drawn` pixels of the training images.
    """
    for value, choices, what in ((objective, OBJECTIVES, "objectives"), (corruption, sequences.CORRUPTIONS, "kinds")):
        if value not in choices:
            raise ValueError(spelling.unknown(value, choices, f"the {what}"))
    ranges.above_zero(mask_ratio=mask_ratio)
    ranges.below_one(mask_ratio=mask_ratio)

    def corrupt(key, colors, count):
        return sequences.corrupted(key, colors, count, share=mask_ratio, kind=corruption)

    def palette(state):
        held = state.method_state
        return patch_codes.Codebook(held["stats"]["encoder"]["palette"], **held["palette"])

    def put(state, book):
        found, held = book._asdict(), state.method_state
        encoder = {**held["stats"]["encoder"], "palette": found.pop("centers")}
        return state._replace(method_state={**held, "stats": {"encoder": encoder}, "palette": found})

    words = dict(what="colors", option="nets.encoder.colors", drawn=drawn, iterations=iterations)
    found = patch_codes.fitting(lambda batch: pixels.patchify(batch["clean"][:, 0], 1), palette, put, **words)
    colors_of = lambda images, palette: patch_codes.codes(pixels.patchify(images, 1), palette)  # noqa: E731
    return pixel_prediction(encoder, colors_of, corrupt=corrupt if objective == "bert" else None, passes=(found,))
