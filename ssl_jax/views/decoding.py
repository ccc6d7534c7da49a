"""Encoded images -> upright pixels: TensorFlow decodes the plain files, Pillow all others; a graph function.

A file is plain where its first bytes show that TensorFlow reads it as Pillow does: a JPEG or PNG of the usual layout
with nothing before its picture that could turn or recolor it. A head that is not one of `_plain` costs one call into
Python, which honors the EXIF orientation and sees animations, palettes and sizes before anything is decoded.
"""

import io
from collections.abc import Iterator

import numpy as np
import tensorflow as tf
from PIL import Image, ImageOps

PIXELS = 2**27
"""Pixels that an image may have; one with more counts as unreadable. Below Pillow's own bound for bombs."""
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF")
HEAD = 176
"""Bytes in which the head of a plain file is found."""
SIDE = 0x2BFF
"""The longest side of a plain file; its square is less than PIXELS."""
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
ORIENTATION = 0x0112
MODES = {1: "L", 3: "RGB", 4: "RGBA"}
LUMA = np.array([0.299, 0.587, 0.114])
"""The weights of ITU-R BT.601, with which Pillow and JPEG make grey of color."""


def decoded(data: tf.Tensor, *, channels: int, dtype: tf.DType, exact: bool = False, plain: bool = False) -> tf.Tensor:
    """Bytes of a JPEG, PNG, WebP, BMP or GIF (its first frame) -> upright image [h, w, channels]; fails at damage.

    channels: 1, 3, 4, or 0 for those of the file; alpha is dropped where it is not asked for, as Pillow's `convert`
    does. dtype: uint8 or uint16. exact: JPEGs within one level of Pillow's, at about a third more time; else with the
    fast transform. plain: all files are known to be plain, so that no branch is needed.
    """
    if plain:
        return _by_tensorflow(data, channels, dtype, exact)
    # eagerly a string comes as an array without axes, in a graph as bytes
    python = lambda x: opened(np.asarray(x, object).item(), channels=channels, bits=8 * dtype.size)  # noqa: E731
    other = lambda: tf.ensure_shape(tf.numpy_function(python, [data], dtype), [None, None, None])  # noqa: E731
    known = is_plain(data, channels=channels, dtype=dtype, exact=exact)
    return tf.cond(known, lambda: _by_tensorflow(data, channels, dtype, exact), other)


def is_plain(data: tf.Tensor, *, channels: int, dtype: tf.DType, exact: bool = False) -> tf.Tensor:
    """Strings [...] -> bool [...], whether TensorFlow reads these files as Pillow does."""
    rows = list(_plain(channels, jpeg=channels != 4 and not (exact and dtype == tf.uint16)))
    low, high = (tf.constant(np.stack(bounds)) for bounds in zip(*rows, strict=True))
    head = tf.io.decode_raw(data, tf.uint8, fixed_length=HEAD)[..., None, :]
    return tf.reduce_any(tf.reduce_all((head >= low) & (head <= high), -1), -1)


def _by_tensorflow(data: tf.Tensor, channels: int, dtype: tf.DType, exact: bool) -> tf.Tensor:
    if exact and dtype == tf.uint8:  # the op decodes PNG, too
        return tf.io.decode_jpeg(data, channels=channels, fancy_upscaling=True, dct_method="INTEGER_ACCURATE")
    return tf.io.decode_image(data, channels=channels, dtype=dtype, expand_animations=False)


def _plain(channels: int, *, jpeg: bool) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Heads of plain files as bounds (low, high) uint8 [HEAD] of each byte.

    PNG: whole bytes or pairs, picture right behind the header. Grey of color is left to Pillow, whose weights differ.
    JPEG: JFIF, one or two tables, baseline or progressive, 1 or 3 components.
    """

    def bounds(*parts):
        low, high = np.zeros(HEAD, np.uint8), np.full(HEAD, 255, np.uint8)
        for place, least, greatest in parts:
            low[place : place + len(least)] = np.frombuffer(least, np.uint8)
            high[place : place + len(least)] = np.frombuffer(greatest, np.uint8)
        return low, high

    def same(place, value):
        return place, value, value

    for color in (0,) if channels == 1 else (0, 2, 6):
        for bits in (8, 16):
            sides = [(place, b"\0\0\0", b"\0\0" + bytes([SIDE >> 8])) for place in (16, 20)]
            yield bounds(same(0, PNG), *sides, same(24, bytes([bits, color])), same(37, b"IDAT"))
    # the tables that lie between JFIF and the frame: (length of each, how many)
    for length, count in ((0x43, 1), (0x43, 2), (0x84, 1)) if jpeg else ():
        frame = 20 + count * (length + 2)
        tables = [same(20 + k * (length + 2), bytes([0xFF, 0xDB, 0, length])) for k in range(count)]
        jfif = same(0, b"\xff\xd8\xff\xe0\0\x10JFIF\0")
        sides = [(frame + place, b"\0", bytes([SIDE >> 8])) for place in (5, 7)]
        for kind in (0xC0, 0xC2):
            for size, components in ((0x0B, 1), (0x11, 3)):
                start = same(frame, bytes([0xFF, kind, 0, size, 8]))
                yield bounds(jfif, *tables, start, *sides, same(frame + 9, bytes([components])))


def opened(data: bytes, *, channels: int, bits: int) -> np.ndarray:
    """Any image as Pillow has it, upright: uint8 or uint16 [h, w, channels]. ValueError, with the reason, at damage."""
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            _small(image)
            if image.format == "PNG" and data[24] == 16:
                return _sixteen(image, data, channels, bits)
            image.load()
            upright = ImageOps.exif_transpose(image)
            mode = MODES[channels or native(upright.mode)]
            pixels = np.asarray(upright if upright.mode == mode else upright.convert(mode))
    except Image.DecompressionBombError as error:
        raise ValueError(f"it has more than {PIXELS:,} pixels") from error
    except Image.UnidentifiedImageError as error:
        raise ValueError("no JPEG, PNG, WebP, BMP or GIF begins like this") from error
    except Exception as error:  # Pillow's readers raise whatever damage makes of their parsing
        raise ValueError(str(error) or type(error).__name__) from error
    pixels = pixels[..., None] if pixels.ndim == 2 else pixels
    return pixels.astype(np.uint16) * 257 if bits == 16 else np.ascontiguousarray(pixels)


def native(mode: str) -> int:
    """The channels that a file of one of Pillow's modes is read with; alpha beside grey is not counted."""
    return 4 if mode == "RGBA" else 1 if mode in ("1", "L", "LA", "La") or mode.startswith("I") else 3


def orientation(data: bytes) -> int:
    """The EXIF orientation, 1 (upright) to 8; 1 where there is none."""
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            found = image.getexif().get(ORIENTATION, 1)
    except Exception:  # an image that cannot be read is counted as such where it is decoded
        return 1
    return found if found in range(1, 9) else 1


def _small(image: Image.Image) -> None:
    width, height = image.size
    if width * height > PIXELS:
        raise ValueError(f"it has {width} x {height} pixels, more than {PIXELS:,}")


def _sixteen(image: Image.Image, data: bytes, channels: int, bits: int) -> np.ndarray:
    """A PNG of 16 bits, of which Pillow keeps 8 where it has colors."""
    colored = data[25] & 2
    wanted = channels or native("RGBA" if data[25] == 6 else "RGB" if colored else "L")
    grey = wanted == 1 and colored
    pixels = tf.io.decode_png(data, channels=3 if grey else wanted, dtype=tf.uint16).numpy()
    if grey:
        pixels = np.round(pixels @ LUMA)[..., None].astype(np.uint16)
    turn = image.getexif().get(ORIENTATION, 1)
    pixels = pixels.swapaxes(0, 1) if turn in (5, 6, 7, 8) else pixels
    pixels = pixels[::-1] if turn in (3, 4, 7, 8) else pixels
    pixels = pixels[:, ::-1] if turn in (2, 3, 6, 7) else pixels
    return np.ascontiguousarray(pixels if bits == 16 else (pixels >> 8).astype(np.uint8))
