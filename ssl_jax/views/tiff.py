"""TIFF -> pixels, by tifffile: gray, color and any number of channels, 8 and 16 bits; Pillow reads the other colors.

A file of several pages has no honest reading that it says itself: they may be channels, a time, a depth, or other
pictures. `Reading.pages` says it. Overviews and masks, which call themselves so, are no pages.
"""

import io
import logging
from typing import BinaryIO

import numpy as np
import tifffile
from PIL import Image

from ssl_jax.views import formats
from ssl_jax.views.formats import Pixels, Reading

WHITE_IS_ZERO, GRAY, RGB = 0, 1, 2
"""Photometric interpretations whose samples are the values of pixels."""
COLORS = {3: "palette", 5: "cmyk", 6: "ycbcr"}
"""Those that Pillow makes RGB of."""
JPEG = (6, 7)
"""Compressions."""
OVERVIEW_OR_MASK = 1 | 4
"""Bits of the type of a page."""
ASSOCIATED, UNASSOCIATED = 1, 2
"""Extra samples that are alpha, which colors were multiplied with or were not."""
logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # what is wrong with a file is raised or checked here


def pixels(data: bytes, reading: Reading) -> Pixels:
    """The image of a file, upright; white is the largest value. Raises ValueError, or what tifffile does."""
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        pages = _pages(file, reading)
        first = pages[0]
        if _pillows(first):
            return _by_pillow(data, pages)
        way = first.tags.valueof(formats.ORIENTATION, 1)
        values = [_values(page, len(data)) for page in pages]
    whole = values[0] if len(values) == 1 else np.concatenate(values, -1)
    return Pixels(formats.turned(whole, way), _alpha(first) == UNASSOCIATED and whole.shape[-1] == 4)


def orientation(data: bytes) -> int:
    """The EXIF orientation of the first page."""
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        return file.pages[0].tags.valueof(formats.ORIENTATION, 1)


def header(file: BinaryIO, reading: Reading) -> tuple[int, int]:
    """(channels, bits) without reading the pixels."""
    with tifffile.TiffFile(file) as opened:
        pages = _pages(opened, reading)
        first = pages[0]
        if _pillows(first):
            file.seek(0)
            with Image.open(file, formats=("TIFF",)) as image:
                return formats.native(image.mode), 8
        return sum(_samples(page) for page in pages), first.bitspersample


def _pages(file: tifffile.TiffFile, reading: Reading) -> list[tifffile.TiffPage]:
    """The pages that are read, checked."""
    count = len(file.pages)
    if not count:
        raise ValueError("it has no image")
    pages = [page for k, page in enumerate(file.pages) if not (k and page.subfiletype & OVERVIEW_OR_MASK)]
    hidden = (file.imagej_metadata or {}).get("images", 1) if file.is_imagej and count == 1 else 1
    if hidden > 1:
        raise ValueError(f"it is a stack of ImageJ with {hidden} images and one page: write it anew with all its pages")
    if len(pages) > 1 and not reading.pages:
        height, width = pages[0].imagelength, pages[0].imagewidth
        raise ValueError(f"it has {len(pages)} pages, the first of {height} x {width} pixels: {formats.SAY}")
    pages = pages[:1] if reading.pages == "first" else pages
    for page in pages:
        _check(page)
    kinds = {(page.imagelength, page.imagewidth, page.dtype, page.photometric) for page in pages}
    if len(kinds) > 1:
        raise ValueError(f"its {len(pages)} pages differ in size, bits or colors, and cannot be channels of one image")
    return pages


def _check(page: tifffile.TiffPage) -> None:
    """Raises ValueError for samples that are no image."""
    formats.small(page.imagewidth, page.imagelength, page.samplesperpixel)
    if _pillows(page):
        return
    if page.photometric not in (WHITE_IS_ZERO, GRAY, RGB):
        said = getattr(page.photometric, "name", page.photometric)
        raise ValueError(
            f"its colors are {said}, and those that can be read are gray, RGB and {', '.join(COLORS.values())}"
        )
    if page.dtype is not None:
        formats.checked(page.dtype, (page.imagelength, page.imagewidth, page.samplesperpixel))
    if page.bitspersample not in (8, 16):
        raise ValueError(f"its samples have {page.bitspersample} bits, and those of images 8 or 16")
    if page.imagedepth > 1 or page.axes not in ("YX", "YXS", "SYX"):
        raise ValueError(f"it has the axes {page.axes}, and an image has two and channels")


def _pillows(page: tifffile.TiffPage) -> bool:
    """Whether Pillow makes of it what it shows: colors that are not those of its samples, less than a byte, JPEG."""
    bits, gray = page.bitspersample, page.photometric in (WHITE_IS_ZERO, GRAY)
    few = gray and page.samplesperpixel == 1 and bits in (1, 2, 4)
    made = _alpha(page) == ASSOCIATED or page.compression in JPEG and page.samplesperpixel in (1, 3)
    return page.sampleformat in (1, 4) and (page.photometric in COLORS or few or made and bits == 8)


def _alpha(page: tifffile.TiffPage) -> int:
    """The kind of alpha that a gray or RGB page has behind its colors; 0 for none."""
    colors = {WHITE_IS_ZERO: 1, GRAY: 1, RGB: 3}.get(page.photometric, -1)
    extra = page.extrasamples
    return extra[0] if len(extra) == 1 and page.samplesperpixel == colors + 1 else 0


def _samples(page: tifffile.TiffPage) -> int:
    """Its channels; alpha beside gray is not counted."""
    return 1 if page.samplesperpixel == 2 and _alpha(page) else page.samplesperpixel


def _values(page: tifffile.TiffPage, size: int) -> np.ndarray:
    """[h, w, c] of a page of a file of so many bytes."""
    if any(at + count > size for at, count in zip(page.dataoffsets, page.databytecounts, strict=True)):
        raise ValueError("it is cut off: some of its pixels lie behind its end")
    if _alpha(page) == ASSOCIATED:
        raise ValueError("its colors of 16 bits were multiplied with alpha: write it with unassociated alpha, or none")
    try:
        values = page.asarray(maxworkers=1)
    except ValueError as error:
        if "imagecodecs" in str(error):
            raise ValueError(
                f"its compression {page.compression.name} needs imagecodecs: pip install 'ssl_jax[tiff]'"
            ) from error
        raise
    values = np.moveaxis(values, 0, -1) if page.axes == "SYX" else values
    values = formats.image_of(values)[..., : _samples(page)]
    return np.iinfo(values.dtype).max - values if page.photometric == WHITE_IS_ZERO else values


def _by_pillow(data: bytes, pages: list) -> Pixels:
    if len(pages) > 1:
        raise ValueError("its pages have colors of their own, and cannot be channels of one image")
    with Image.open(io.BytesIO(data), formats=("TIFF",)) as image:
        return formats.of_pillow(image)
