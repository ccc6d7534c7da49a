"""What the headers of encoded images have in common: channels and bits; and how files of several images are read."""

import io
from collections.abc import Callable, Iterable

import numpy as np
import tensorflow as tf

from ssl_jax.checks import spelling
from ssl_jax.data import encoded
from ssl_jax.data.parts import Image
from ssl_jax.views import decoding, formats
from ssl_jax.views.formats import Reading

OPTIONS = ("pages", "key")
"""What stands behind the ? of a dataset's text for files of several images, as `formats.Reading` has it."""
PAGED, KEYED = (".tif", ".tiff", ".dcm", ".dicom"), (".npz",)
"""How names of such files end, for each of the options."""
DICOM = (
    "of DICOM, gray fills the range of 8 or 16 bits; CT, and what is signed or rescaled, has a level a unit, with "
    "-1024 at 0; MONOCHROME1 is inverted, and no window is applied"
)
PROBES, FEW = 4096, 256
"""Images whose headers are read, at most: where this is cheap, and where whole images are read for it."""
REMOTE = 64
"""Such images behind a network."""
HEAD = 64 * 1024
"""Bytes in which a header is looked for first; the rest of an image is read where it is not there."""


def reading(wanted: dict[str, str], name: str) -> Reading:
    """What options say of reading files. ValueError for a way that is not known."""
    found = Reading(*(wanted.get(option, "") for option in OPTIONS))
    if found.pages not in ("", *formats.PAGES):
        raise ValueError(f"{name}: {spelling.unknown(found.pages, formats.PAGES, 'the values of pages')}")
    return found


def read(
    name: str,
    size: int,
    head: Callable[[int, int | None], bytes | tuple[int, int] | None],
    asked: tuple[int | None, int | None],
    *,
    most: int,
    noun: str = "files",
    suffixes: Iterable[str] | None = None,
    how: Reading = Reading(),
) -> tuple[Image, tuple[str, ...]]:
    """The channels and bits of `size` images, and sentences about them; what was asked for, else what all have in
    common, else 3 and 8.

    head: which of them, how many bytes at most (None: all) -> its first bytes, or what its header says, None where that
    is nothing. most: images that are looked at, spread over all; what has no image header does not count. suffixes:
    how their names end, None where only a look tells. how: as files of several images are read. Raises ValueError for
    channels that are no colors and that no image has, for formats whose library is not installed, and for a way of
    reading that no file has a use for.
    """
    formats.require(suffixes or (), name)
    chosen = sorted({round(step) for step in np.linspace(0, size - 1, min(most, size))})
    ends, heads = zip(*(_look(head, step, how) for step in chosen), strict=True)
    kinds = {*ends, *(suffixes or ())}
    formats.require(kinds, name)
    if suffixes is not None or len(chosen) == size:
        _used(how, kinds, name)
    found = [each for each in heads if each is not None]
    common = encoded.common(found or [(3, 8)])
    image = Image(*(given or own for given, own in zip(asked, common, strict=True)))
    image = image._replace(reading=encoded.read_as(image.channels, kinds, how))
    if image.channels not in decoding.MODES and found and image.channels not in {channels for channels, _ in found}:
        raise ValueError(
            f"{name}: {image.channels} channels cannot be read, since no file has them; data.channels is 1, 3, 4, or 0 "
            "for those of the files"
        )
    notes = [] if all(asked) else _common(name, size, found, image, noun)
    return image, (*notes, *([f"{name}: {DICOM}"] if not kinds.isdisjoint(PAGED[-2:]) else []))


def _common(name: str, size: int, found: list[tuple[int, int]], image: Image, noun: str) -> list[str]:
    """A sentence about images that are not all read as they are, or of which a sample was looked at."""
    counts = {kind: found.count(kind) for kind in sorted(set(found))}
    reading = (
        f"all are read as {image.channels} channels of {image.bits} bits; data.channels and data.bits say otherwise"
    )
    many = f"{len(found):,} of {size:,} {noun}"
    if len(counts) > 1:
        kinds = ", ".join(f"{n:,} of {c} channels and {b} bits" for (c, b), n in counts.items())
        return [f"{name}: the headers of {many} tell of {kinds}; {reading}"]
    return [f"{name}: channels and bits are those of the headers of {many}; {reading}"] if len(found) < size else []


def _used(how: Reading, suffixes: set[str], name: str) -> None:
    """ValueError for a way of reading that none of the files, whose names end so, has a use for."""
    for option, value, kinds, words in zip(
        OPTIONS, how, (PAGED, KEYED), ("TIFF or DICOM", "NumPy's .npz"), strict=True
    ):
        if value and suffixes.isdisjoint(kinds):
            raise ValueError(
                f"{name}: {option}={value} says how files of {words} are read, and there are none: leave it out"
            )


def _look(head: Callable, index: int, how: Reading) -> tuple[str, tuple[int, int] | None]:
    """(how names of its format end, "" for what TensorFlow decodes; channels and bits, None where no header says)."""
    try:
        data = head(index, HEAD)
        if not isinstance(data, bytes):
            return "", data
        kind = formats.kind(data)
        if len(data) == HEAD and (kind or data[:2] == decoding.JPEG and not encoded.framed(data)):
            data = head(index, None)
    except (OSError, tf.errors.OpError):  # counted as unreadable where the image is read
        return "", None
    if kind:
        return formats.ENDINGS[kind], encoded.header_of(io.BytesIO(data), how)
    return "", encoded.header(data) if encoded.is_image(data) else None
