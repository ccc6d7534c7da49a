"""Small pictures of examples, as texts that a page holds."""

import base64
import io
from collections.abc import Iterable

import numpy as np
from PIL import Image
from rich.console import Console

from ssl_jax.data import check
from ssl_jax.data.source import Source, readable

SIDE = 160
"""Pixels of the longer side, at most: a page shows them with 96."""
PIXELATED = 96
"""Up to this side pictures are kept as they are, as PNG."""
QUALITY = 82
TAILS = (1, 99)
"""Percentiles of a channel that become black and white, where values have no meaning for a screen."""


def of(source: Source, indices: Iterable[int], *, console: Console | None = None) -> dict[int, str]:
    """{index: a data URL} of examples with images, without those that cannot be read."""
    wanted, found = np.unique([*indices]), {}
    with check.bar(console) as bar:
        task = bar.add_task("drawing", total=len(wanted))
        for index, image in readable(source, wanted):
            found[index] = url(shown(image))
            bar.update(task, advance=1)
        bar.update(task, completed=len(wanted))
    return found


def shown(image: np.ndarray) -> np.ndarray:
    """uint8 or uint16 [h, w, c] -> uint8 [h, w, 1 or 3] for a screen.

    Of 8 bits with 1, 3 or 4 channels the values themselves, without the fourth. Of others the first channel of two and
    the first three of more, each stretched between its 1st and 99th percentile.
    """
    channels = image.shape[-1]
    few = image[..., : 3 if channels > 2 else 1]
    if image.dtype == np.uint8 and channels in (1, 3, 4):
        return few
    low, high = (np.percentile(few, tail, axis=(0, 1)) for tail in TAILS)
    return np.clip(255 * (few - low) / np.maximum(high - low, 1), 0, 255).round().astype(np.uint8)


def url(image: np.ndarray) -> str:
    """uint8 [h, w, 1 or 3] as a data URL: small ones as PNG, larger ones shrunk, as JPEG."""
    out, picture = io.BytesIO(), Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)
    if max(picture.size) <= PIXELATED:
        picture.save(out, "PNG")
        return f"data:image/png;base64,{base64.b64encode(out.getvalue()).decode()}"
    picture.thumbnail((SIDE, SIDE))
    picture.save(out, "JPEG", quality=QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(out.getvalue()).decode()}"
