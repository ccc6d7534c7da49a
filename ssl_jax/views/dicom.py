"""DICOM -> pixels, by pydicom. What levels mean is said by the file, so that equal levels of two files mean the same.

- Gray without a unit (X-ray, ultrasound): the bits that are stored fill the range, so that the largest value of 12 bits
  is 65535; up to 8 stored bits make images of 8 bits, more of them of 16. The levels stay apart, and in their order.
- CT, and whatever is signed or has a rescale slope or intercept: values = slope * stored + intercept, as in Hounsfield
  units, and a level of 16 bits is a unit, with -1024 at 0. Below that (what a scanner did not see) all is 0.
- MONOCHROME1, where 0 is white, is inverted: white is the largest level. RGB and YBR come as RGB. Windows for display
  are not applied.
"""

import io
from typing import BinaryIO

import numpy as np
import pydicom
from pydicom.pixels import pixel_array

from ssl_jax.views import formats
from ssl_jax.views.formats import Pixels, Reading

GRAY = ("MONOCHROME1", "MONOCHROME2")
LOWEST = 1024
"""What is added to values in a unit: air is at -1000 Hounsfield units."""


def pixels(data: bytes, reading: Reading) -> Pixels:
    """The image of a file. Raises ValueError, or what pydicom does."""
    found = pydicom.dcmread(io.BytesIO(data))
    _layout(found, reading)
    several = _frames(found) > 1
    values = pixel_array(found, index=0 if several and reading.pages == "first" else None, allow_excess_frames=False)
    if found.PhotometricInterpretation not in GRAY:
        return Pixels(formats.image_of(values))
    values = np.moveaxis(values, 0, -1) if values.ndim == 3 else values[..., None]
    levels = _in_unit(values, *_rescale(found)) if _has_unit(found) else _filled(values, found.BitsStored)
    white = found.PhotometricInterpretation == "MONOCHROME2"
    return Pixels(levels if white else np.iinfo(levels.dtype).max - levels)


def header(file: BinaryIO, reading: Reading) -> tuple[int, int]:
    """(channels, bits) without reading the pixels."""
    return _layout(pydicom.dcmread(file, stop_before_pixels=True), reading)


def _layout(found: pydicom.Dataset, reading: Reading) -> tuple[int, int]:
    """(channels, bits), checked."""
    if "Rows" not in found or "BitsStored" not in found:
        raise ValueError("it has no image")
    colors, frames = str(found.PhotometricInterpretation), _frames(found)
    formats.small(found.Columns, found.Rows, frames * found.SamplesPerPixel)
    if frames > 1 and not reading.pages:
        raise ValueError(f"it has {frames} frames: {formats.SAY}")
    if colors in GRAY:
        if "ModalityLUTSequence" in found:
            raise ValueError("its values are looked up in a table of their own (modality LUT), which is not read")
        if found.BitsStored > 16:
            raise ValueError(f"its values have {found.BitsStored} bits, and those of images 8 or 16")
        slope, _ = _rescale(found)
        if _has_unit(found) and slope < 1:
            raise ValueError(f"its rescale slope is {slope:g}, finer than levels of 16 bits, one a unit, can be")
        channels = 1 if reading.pages == "first" else frames
        return channels, 16 if _has_unit(found) or found.BitsStored > 8 else 8
    if not colors.startswith(("RGB", "YBR")) or found.BitsStored != 8:
        raise ValueError(
            f"its colors are {colors} of {found.BitsStored} bits; gray, and RGB and YBR of 8 bits are read"
        )
    if frames > 1 and reading.pages == "channels":
        raise ValueError(f"it has {frames} frames of colors, which cannot be channels of one image")
    return 3, 8


def _frames(found: pydicom.Dataset) -> int:
    return int(found.get("NumberOfFrames") or 1)


def _rescale(found: pydicom.Dataset) -> tuple[float, float]:
    return float(found.get("RescaleSlope") or 1), float(found.get("RescaleIntercept") or 0)


def _has_unit(found: pydicom.Dataset) -> bool:
    return found.get("Modality") == "CT" or found.PixelRepresentation == 1 or _rescale(found) != (1, 0)


def _in_unit(values: np.ndarray, slope: float, intercept: float) -> np.ndarray:
    levels = np.maximum(np.rint(values * slope + intercept) + LOWEST, 0)
    if levels.max() > 65535:
        raise ValueError(f"its largest value is {levels.max() - LOWEST:g}, and levels reach {65535 - LOWEST}")
    return levels.astype(np.uint16)


def _filled(values: np.ndarray, bits: int) -> np.ndarray:
    """Values of so many bits -> the whole range of 8 or 16; what lies above these bits (overlays) is cut off."""
    dtype, top = (np.uint8 if bits <= 8 else np.uint16), 2**bits - 1
    stored = values.astype(np.uint32) & top
    return ((stored * np.iinfo(dtype).max + top // 2) // top).astype(dtype)
