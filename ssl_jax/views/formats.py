"""Files that TensorFlow does not decode -> pixels: TIFF, NumPy's arrays, JPEG 2000, AVIF, HEIC and DICOM.

What a file begins with decides its format, not its name. Nothing is scaled that does not say its range: floats, signed
integers and the like are errors, in one sentence a file. JPEG 2000 and DICOM (`dicom.py`) do say it.
"""

import importlib
import io
import struct
import zipfile
from collections.abc import Iterable
from types import ModuleType
from typing import BinaryIO, NamedTuple

import numpy as np
from PIL import Image, ImageOps

from ssl_jax.checks import spelling

PIXELS = 2**27
"""Pixels that an image may have; one with more counts as unreadable. Below Pillow's own bound for bombs."""
PAGES = ("first", "channels")
"""How a file of several pages can be read: the first alone, or all as channels of one image."""
SAY = "say how they are read, by ?pages=first or ?pages=channels behind the dataset's path"
CODESTREAM = b"\xff\x4f\xff\x51"
"""What the image of a JPEG 2000 begins with; its sizes follow."""
LIBRARIES = {
    **dict.fromkeys((".tif", ".tiff"), ("tifffile", "tiff")),
    **dict.fromkeys((".heic", ".heif"), ("pillow_heif", "heic")),
    **dict.fromkeys((".dcm", ".dicom"), ("pydicom", "dicom")),
    **dict.fromkeys((".npy", ".npz", ".jp2", ".j2k", ".jpx", ".avif"), ("PIL", "")),
}
"""Endings of names -> the library that reads such files, and the extra of this package that has it."""
SUFFIXES = tuple(LIBRARIES)
ENDINGS = dict(tiff=".tif", dicom=".dcm", heif=".heic", avif=".avif", npy=".npy", npz=".npz", jpeg2000=".jp2")
"""What `kind` says of a file -> how the names of such files end."""
ORIENTATION = 0x0112
TURNS = ((5, 6, 7, 8), (3, 4, 7, 8), (2, 3, 6, 7))
"""The EXIF orientations that swap the axes, and those that then reverse the rows, and the columns."""
MODES = {1: "L", 3: "RGB", 4: "RGBA"}
"""Pillow's modes of the channels that can be made of each other."""
LUMA, HALF = np.array([19595, 38470, 7471], np.int32), 0x8000
"""2**16 times the weights of ITU-R BT.601, as Pillow makes gray of color, and what then rounds."""


class Reading(NamedTuple):
    """What has to be said of files that hold more than one image.

    pages: one of `PAGES`, or "": files of several pages are errors. key: of the array in an .npz; "": it has one.
    """

    pages: str = ""
    key: str = ""


class Pixels(NamedTuple):
    """values: uint8 or uint16 [h, w, c]. alpha: the last channel of four says how opaque a color is."""

    values: np.ndarray
    alpha: bool = False


def kind(head: bytes) -> str:
    """The format that the first 132 bytes or more tell of; "" for all others, also those that TensorFlow decodes."""
    if head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return "tiff"
    if head.startswith((b"\x93NUMPY", b"PK\3\4")):
        return "npy" if head.startswith(b"\x93") else "npz"
    if head.startswith((b"\0\0\0\x0cjP  \r\n", CODESTREAM)):
        return "jpeg2000"
    if head[4:8] == b"ftyp":
        return "avif" if b"avif" in head[8:64] or b"avis" in head[8:64] else "heif"
    return "dicom" if head[128:132] == b"DICM" else ""


def require(suffixes: Iterable[str], name: str) -> None:
    """Raises ValueError, which begins with `name`, where files of such names cannot be read for lack of a library."""
    for suffix in suffixes:
        library, extra = LIBRARIES.get(suffix, ("PIL", ""))
        try:
            importlib.import_module(library)
        except ImportError as error:
            raise ValueError(
                f"{name} has files {suffix}, which {library} reads: pip install 'ssl_jax[{extra}]'"
            ) from error


def pixels(data: bytes, *, reading: Reading = Reading()) -> Pixels:
    """The image of a file of one of these kinds, upright. Raises ValueError, with the reason, where there is none."""
    match kind(data):
        case "tiff":
            found = _module("tiff", "tifffile").pixels(data, reading)
        case "dicom":
            found = _module("dicom", "pydicom").pixels(data, reading)
        case "npy":
            found = Pixels(image_of(np.load(io.BytesIO(data), allow_pickle=False)))
        case "npz":
            with zipfile.ZipFile(io.BytesIO(data)) as archive, archive.open(_member(archive, reading.key)) as file:
                shape, dtype = _array_header(file)
                checked(dtype, shape)
                file.seek(0)
                found = Pixels(image_of(np.lib.format.read_array(file, allow_pickle=False)))
        case _:
            found = _by_pillow(data)
    return found


def orientation(data: bytes) -> int:
    """The EXIF orientation of a file of one of these kinds. Raises as `pixels`."""
    match kind(data):
        case "tiff":
            return _module("tiff", "tifffile").orientation(data)
        case "avif":
            with Image.open(io.BytesIO(data)) as image:
                return image.getexif().get(ORIENTATION, 1)
        case _:
            return 1


def header(file: BinaryIO, *, reading: Reading = Reading()) -> tuple[int, int]:
    """(channels, bits) of a file of one of these kinds, of which no more is read than it takes. Raises as `pixels`."""
    head = file.read(132)
    file.seek(0)
    match kind(head):
        case "tiff":
            return _module("tiff", "tifffile").header(file, reading)
        case "dicom":
            return _module("dicom", "pydicom").header(file, reading)
        case "npy":
            shape, dtype = _array_header(file)
        case "npz":
            with zipfile.ZipFile(file) as archive, archive.open(_member(archive, reading.key)) as member:
                shape, dtype = _array_header(member)
        case _:
            with _opened(file) as image:
                mode = image.mode
            return native(mode), 16 if mode.startswith("I") else 8
    checked(dtype, shape)
    return shape[2] if len(shape) == 3 else 1, 8 * dtype.itemsize


def checked(dtype: np.dtype, shape: tuple[int, ...]) -> None:
    """Raises ValueError for what is no image: other values than uint8 and uint16, other axes than [h, w] or [h, w, c],
    no pixels, or too many.
    """
    if dtype.newbyteorder("=") not in (np.uint8, np.uint16):
        raise ValueError(f"its values are {dtype}, and those of images uint8 or uint16: scale them and write it anew")
    if len(shape) not in (2, 3) or 0 in shape:
        raise ValueError(f"it has the shape {list(shape)}, and images have [h, w] or [h, w, channels]")
    small(shape[1], shape[0], shape[2] if len(shape) == 3 else 1)


def small(width: int, height: int, channels: int) -> None:
    """Raises ValueError for more pixels than may be, or as many values as those have with four channels."""
    if width * height * max(channels, 4) > 4 * PIXELS:
        many = f" of {channels} channels" if channels > 4 else ""
        raise ValueError(f"it has {width} x {height} pixels{many}, more than {PIXELS:,}")


def image_of(values: np.ndarray) -> np.ndarray:
    """An array [h, w] or [h, w, c] as pixels [h, w, c]. Raises ValueError for any other."""
    checked(values.dtype, values.shape)
    return values.astype(values.dtype.newbyteorder("="), copy=False).reshape(*values.shape[:2], -1)


def fitted(pixels: np.ndarray, alpha: bool, channels: int, bits: int) -> np.ndarray:
    """uint8 or uint16 [h, w, c] with other channels, 0 for its own, and bits. Colors alone are made of each other.

    alpha: the last of four channels is one. Gray of color is Pillow's; 8 bits are the upper ones of 16. Raises
    ValueError for channels that are no colors.
    """
    own = pixels.shape[-1]
    if channels not in (0, own):
        if channels not in MODES or not (own in (1, 3) or alpha):
            raise ValueError(f"it has {own} channels, and {channels} are read")
        colors = pixels[..., :3]
        if channels == 1:
            colors = ((colors @ LUMA.astype(np.int64) + HALF) >> 16)[..., None].astype(pixels.dtype)
        elif own == 1:
            colors = np.repeat(colors, 3, -1)
        full = np.full_like(colors[..., :1], np.iinfo(pixels.dtype).max)
        pixels = np.concatenate([colors, full], -1) if channels == 4 else colors
    if bits == 16 and pixels.dtype == np.uint8:
        pixels = pixels.astype(np.uint16) * 257
    return np.ascontiguousarray(pixels if bits == 16 or pixels.dtype == np.uint8 else (pixels >> 8).astype(np.uint8))


def turned(values: np.ndarray, way: int) -> np.ndarray:
    """[h, w, c] that is stored with an EXIF orientation, upright."""
    values = values.swapaxes(0, 1) if way in TURNS[0] else values
    values = values[::-1] if way in TURNS[1] else values
    return values[:, ::-1] if way in TURNS[2] else values


def native(mode: str) -> int:
    """The channels that a file of one of Pillow's modes is read with; alpha beside gray is not counted."""
    return 4 if mode == "RGBA" else 1 if mode in ("1", "L", "LA", "La") or mode.startswith("I") else 3


def of_pillow(image: Image.Image) -> Pixels:
    """An open image as Pillow has it, upright, in its own colors. Raises ValueError for values without a range."""
    small(*image.size, 1)
    if image.mode in ("F", "I"):
        raise ValueError(f"its values are {'float32' if image.mode == 'F' else 'int32'}, which say nothing of a range")
    upright = ImageOps.exif_transpose(image)
    if upright.mode.startswith("I;16"):
        return Pixels(image_of(np.asarray(upright)))
    mode = MODES[native(upright.mode)]
    upright.info.pop("transparency", None)
    return Pixels(image_of(np.asarray(upright if upright.mode == mode else upright.convert(mode))), mode == "RGBA")


def _by_pillow(data: bytes) -> Pixels:
    with _opened(io.BytesIO(data)) as image:
        at = data.find(CODESTREAM, 0, 2**16)
        if image.format == "JPEG2000" and at >= 0 and not image.mode.startswith("I;16"):
            components = struct.unpack_from(">H", data, at + 40)[0]
            bits = max(1 + (each & 127) for each in data[at + 42 : at + 42 + 3 * components : 3])
            if bits > 8:
                raise ValueError(f"its {components} components have {bits} bits, of which Pillow keeps 8")
        return of_pillow(image)


def _opened(file: BinaryIO) -> Image.Image:
    """An image of JPEG 2000, AVIF or HEIC by Pillow."""
    own = kind(file.read(132))
    file.seek(0)
    if own == "heif":
        library("pillow_heif").register_heif_opener()
    return Image.open(file, formats=(own.upper(),))


def library(name: str) -> ModuleType:
    """A library that only some formats need. Raises ValueError with the command that installs it."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        extra = next(extra for known, extra in LIBRARIES.values() if known == name)
        raise ValueError(f"{name} reads it: pip install 'ssl_jax[{extra}]'") from error


def _module(name: str, needed: str) -> ModuleType:
    """The reader of a format, beside this file, whose library is there."""
    library(needed)
    return importlib.import_module(f"ssl_jax.views.{name}")


def _member(archive: zipfile.ZipFile, key: str) -> str:
    names = [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]
    if key and key not in names:
        raise ValueError(spelling.unknown(key, names, "its arrays"))
    if not names:
        raise ValueError("it has no arrays")
    if not key and len(names) > 1:
        listed = ", ".join(names[:5]) + ", …" * bool(names[5:])
        raise ValueError(
            f"it has {len(names)} arrays ({listed}): name one, by ?key={names[0]} behind the dataset's path"
        )
    return f"{key or names[0]}.npy"


def _array_header(file: BinaryIO) -> tuple[tuple[int, ...], np.dtype]:
    version = np.lib.format.read_magic(file)
    read = {1: np.lib.format.read_array_header_1_0, 2: np.lib.format.read_array_header_2_0}
    shape, _, dtype = read[min(version[0], 2)](file)
    return shape, dtype
