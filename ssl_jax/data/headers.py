"""What the headers of encoded images have in common: channels and bits."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from ssl_jax.data import encoded
from ssl_jax.data.parts import Image
from ssl_jax.views import decoding

PROBES, FEW = 4096, 256
"""Images whose headers are read, at most: where this is cheap, and where whole images are read for it."""
REMOTE = 64
"""Such images behind a network."""
HEAD = 64 * 1024
"""Bytes in which a header is looked for first; the rest of an image is read where it is not there."""


def read(
    name: str,
    size: int,
    head: Callable[[int, int | None], bytes | tuple[int, int] | None],
    asked: tuple[int | None, int | None],
    *,
    most: int,
    noun: str = "files",
) -> tuple[Image, tuple[str, ...]]:
    """The channels and bits of `size` images, and sentences about them; what was asked for, else what all have in
    common, else 3 and 8.

    head: which of them, how many bytes at most (None: all) -> its first bytes, or what its header says, None where that
    is nothing. most: images that are looked at, spread over all; what has no image header does not count. Raises
    ValueError for channels that are no colors and that no image has.
    """
    chosen = sorted({round(step) for step in np.linspace(0, size - 1, min(most, size))})
    found = [kind for step in chosen if (kind := _kind(head, step)) is not None]
    common = encoded.common(found or [(3, 8)])
    image = Image(*(given or own for given, own in zip(asked, common, strict=True)))
    if image.channels not in decoding.MODES and found and image.channels not in {channels for channels, _ in found}:
        raise ValueError(
            f"{name}: {image.channels} channels cannot be read, since no file has them; data.channels is 1, 3, 4, or 0 "
            "for those of the files"
        )
    if all(asked):
        return image, ()
    counts = {kind: found.count(kind) for kind in sorted(set(found))}
    reading = (
        f"all are read as {image.channels} channels of {image.bits} bits; data.channels and data.bits say otherwise"
    )
    many = f"{len(found):,} of {size:,} {noun}"
    if len(counts) > 1:
        kinds = ", ".join(f"{n:,} of {c} channels and {b} bits" for (c, b), n in counts.items())
        return image, (f"{name}: the headers of {many} tell of {kinds}; {reading}",)
    if len(found) < size:
        return image, (f"{name}: channels and bits are those of the headers of {many}; {reading}",)
    return image, ()


def _kind(head: Callable, index: int) -> tuple[int, int] | None:
    try:
        data = head(index, HEAD)
        if not isinstance(data, bytes):
            return data
        if len(data) >= HEAD and data[:2] == decoding.JPEG and not encoded.framed(data):
            data = head(index, None)
    except (OSError, tf.errors.OpError):  # counted as unreadable where the image is read
        return None
    return encoded.header(data) if encoded.is_image(data) else None
