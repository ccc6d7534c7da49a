"""Zero-shot retrieval on a test set of pairs: captions find their images, images their captions and each other."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from ssl_jax.evals import retrieval
from ssl_jax.run.job import Job
from ssl_jax.types import Array

SEARCHES = ("text_to_image", "image_to_text", "image_to_image")
NAMES = tuple(f"{search}@{k}" for search in SEARCHES for k in retrieval.CUTS)
"""Shares of the queries that have what belongs to them among the k nearest."""
IMAGE, TEXT = "projection/image", "projection/text"


def possible(job: Job) -> bool:
    """Whether there are images and texts to compare."""
    return job.test is not None and {"image", "text"} <= set(job.clean.inputs)


def joined(job: Job, embed: Callable | None) -> Callable:
    """clean views by group -> {"pool": [b, ...]}: the projections side by side, and the tokens as numbers.

    embed: gives the projections; None for the pixels themselves, without a projection of texts.
    """
    group = job.clean.inputs

    @jax.jit
    def beside(found: dict, tokens: Array) -> dict:
        rows = [found[name].astype(jnp.float32) for name in (IMAGE, TEXT) if name in found]
        return {"pool": jnp.concatenate([*rows, tokens.reshape(len(tokens), -1).astype(jnp.float32)], 1)}

    def rows(views: dict) -> dict:
        image = views[group["image"]]
        found = embed(views) if embed else {IMAGE: image.reshape(len(image), -1)}
        if embed and not {IMAGE, TEXT} <= set(found):
            raise ValueError(f"retrieval wants {IMAGE} and {TEXT}, and the method gives {', '.join(sorted(found))}")
        return beside({name: found[name] for name in (IMAGE, TEXT) if name in found}, views[group["text"]])

    return rows


def scores(job: Job, rows: np.ndarray, *, texts: bool) -> tuple[dict[str, float | None], dict[str, float]]:
    """Recall by name of `NAMES`, and what of each embeddings would get that know nothing.

    rows: those of `joined`, float [n, ...], of the examples that could be read. texts: whether projections of texts are
    among them. Examples of one caption (of one row of tokens) belong together: a caption counts once, whatever the
    number of its images, and an image finds the others of its caption. Where each caption has one image, images have no
    others to find, and these numbers are None.
    """
    length = next(view.size for view in job.clean.views if view.of == "text")
    (width, rest) = divmod(rows.shape[1] - length, 2 if texts else 1)
    assert rest == 0
    image, text, tokens = rows[:, :width], rows[:, width:-length], rows[:, -length:]
    _, first, caption = np.unique(tokens, axis=0, return_index=True, return_inverse=True)
    of_caption = np.arange(len(first))[:, None] == caption.reshape(1, -1)
    same = caption.reshape(-1, 1) == caption.reshape(1, -1)
    others = dict(apart=True) if len(first) < len(rows) else None
    searches = {
        "text_to_image": (text[first], image, of_caption, {}) if texts else None,
        "image_to_text": (image, text[first], of_caption.T, {}) if texts else None,
        "image_to_image": (image, image, same, others) if others else None,
    }
    found = dict.fromkeys(NAMES)
    for search, given in searches.items():
        if given is not None:
            query, candidates, right, options = given
            found |= _named(search, retrieval.recall(query, candidates, right, **options))
    levels = _named("text_to_image", retrieval.chance(of_caption))
    levels |= _named("image_to_text", retrieval.chance(of_caption.T))
    levels |= _named("image_to_image", retrieval.chance(same, apart=True)) if others else {}
    return found, levels


def _named(search: str, recalls: dict[int, float]) -> dict[str, float]:
    return {f"{search}@{k}": value for k, value in recalls.items()}
