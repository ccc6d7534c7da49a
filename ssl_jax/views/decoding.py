"""Encoded images -> upright pixels: TensorFlow decodes what it reads as Pillow does, Pillow the rest; a graph function.

A file is plain where its first bytes show that: a JPEG or PNG of the usual layout with nothing before its picture that
could turn or recolor it. A head that is not one of `_plain` costs a call into Python, which walks over the segments of
the file (`turn`): TensorFlow still decodes where these only turn the picture, or say nothing of it. Animations,
palettes, sizes and whatever is damaged are seen before anything is decoded.
"""

import io
import struct
from collections.abc import Iterator

import numpy as np
import tensorflow as tf
from PIL import Image, ImageOps

PIXELS = 2**27
"""Pixels that an image may have; one with more counts as unreadable. Below Pillow's own bound for bombs."""
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF")
HEAD = 176
"""Bytes in which the head of a plain file is found."""
LOOKED = 2**14
"""Bytes in which Python looks for what turns a picture; Pillow decodes where these do not tell."""
SIDE = 0x2BFF
"""The longest side of a plain file; its square is less than PIXELS."""
JPEG = b"\xff\xd8"
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
ORIENTATION = 0x0112
TURNS = ((5, 6, 7, 8), (3, 4, 7, 8), (2, 3, 6, 7))
"""The orientations that swap the axes, and those that then reverse the rows, and the columns."""
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
    tensorflow = lambda: _by_tensorflow(data, channels, dtype, exact)  # noqa: E731
    jpeg = _jpegs(channels, dtype, exact)

    def looked() -> tf.Tensor:
        turned = lambda x: np.int32(turn(np.asarray(x, object).item(), channels=channels, jpeg=jpeg))  # noqa: E731
        start = tf.strings.substr(data, 0, LOOKED)  # copies are what a call into Python costs
        way = tf.ensure_shape(tf.numpy_function(turned, [start], tf.int32, stateful=False), [])
        upright = lambda: tf.cond(way > 1, lambda: _turned(tensorflow(), way), tensorflow)  # noqa: E731
        return tf.cond(way > 0, upright, other)

    return tf.cond(is_plain(data, channels=channels, dtype=dtype, exact=exact), tensorflow, looked)


def turn(data: bytes, *, channels: int, jpeg: bool) -> int:
    """The EXIF orientation, 1 to 8, of a file that TensorFlow decodes as Pillow does; 0 for every other file.

    channels: 1, 3, 4, or 0 for those of the file. jpeg: whether JPEGs are TensorFlow's.
    """
    try:
        if data[:2] == JPEG and jpeg:
            return _jpeg_turn(data)
        if data[:16] == PNG:
            return _png_turn(data, grey=channels == 1)
    except (struct.error, IndexError, ValueError, KeyError, SyntaxError, OSError):
        pass  # damaged: Pillow will say how
    return 0


def _jpeg_turn(data: bytes) -> int:
    """Walks over the segments up to the picture: 8 bits, baseline or progressive, 1 or 3 components."""
    found, framed = 1, False
    for at, kind, length in segments(data):
        body = data[at + 4 : at + 2 + length] if kind in (0xE1, 0xC0, 0xC1, 0xC2) else b""
        if length < 2:
            return 0
        if kind == 0xDA:
            return found if framed else 0
        if kind in (0xC0, 0xC1, 0xC2):
            bits, height, width, components = struct.unpack_from(">BHHB", body)
            framed = bits == 8 and components in (1, 3) and 0 < height * width <= PIXELS
        elif 0xC3 <= kind <= 0xCF and kind not in (0xC4, 0xC8):
            return 0  # lossless, hierarchical or arithmetic coding
        elif body.startswith(b"Exif\0\0"):
            found = _orientation(body)
        elif b"Orientation" in body:
            return 0  # in XMP, which Pillow reads where EXIF says nothing
    return 0


def segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """(place, kind, length) of the segments of a JPEG, up to the first bytes that begin none."""
    at = 2
    while data[:2] == JPEG and at + 4 <= len(data) and data[at] == 0xFF:
        kind, length = struct.unpack_from(">BH", data, at + 1)
        yield at, kind, length
        at += 2 + length


def _png_turn(data: bytes, *, grey: bool) -> int:
    """Walks over the chunks: whole bytes or pairs, no palette, no color that is transparent, no animation."""
    width, height, bits, color = struct.unpack_from(">IIBB", data, 16)
    if bits not in (8, 16) or color not in (0, 2, 6) or (grey and color) or not 0 < width * height <= PIXELS:
        return 0
    at, found = 33, 1
    while at + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        if kind == b"eXIf":
            found = _orientation(b"Exif\0\0" + data[at + 8 : at + 8 + length])
        elif kind in (b"tRNS", b"acTL"):
            return 0
        elif kind in (b"tEXt", b"iTXt", b"zTXt") and _turning(data[at + 8 : at + 8 + min(length, 80)]):
            return 0
        elif kind == b"IEND":
            return found
        at += 12 + length
    return 0


def _turning(text: bytes) -> bool:
    """Whether a text chunk that begins so may turn the picture: EXIF or XMP as text."""
    return text.lower().startswith((b"raw profile", b"xml:com.adobe.xmp", b"exif"))


def _orientation(exif: bytes) -> int:
    parsed = Image.Exif()
    parsed.load(exif)
    found = parsed.get(ORIENTATION, 1)
    return found if found in range(1, 9) else 1


def _turned(image: tf.Tensor, way: tf.Tensor) -> tf.Tensor:
    """The image with the orientation `way` made upright."""
    swapped, upside, mirrored = (tf.gather([0, *(int(k in ways) for k in range(1, 9))], way) for ways in TURNS)
    image = tf.transpose(image, tf.stack([swapped, 1 - swapped, 2]))
    image = tf.reverse(image, tf.range(0, upside))
    return tf.reverse(image, tf.range(1, 1 + mirrored))


def is_plain(data: tf.Tensor, *, channels: int, dtype: tf.DType, exact: bool = False) -> tf.Tensor:
    """Strings [...] -> bool [...], whether TensorFlow reads these files as Pillow does."""
    rows = list(_plain(channels, jpeg=_jpegs(channels, dtype, exact)))
    low, high = (tf.constant(np.stack(bounds)) for bounds in zip(*rows, strict=True))
    head = tf.io.decode_raw(data, tf.uint8, fixed_length=HEAD)[..., None, :]
    return tf.reduce_any(tf.reduce_all((head >= low) & (head <= high), -1), -1)


def _jpegs(channels: int, dtype: tf.DType, exact: bool) -> bool:
    """Whether TensorFlow decodes JPEGs as is asked for: it gives them no alpha, and 16 bits by the fast transform."""
    return channels != 4 and not (exact and dtype == tf.uint16)


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
    way = image.getexif().get(ORIENTATION, 1)
    pixels = pixels.swapaxes(0, 1) if way in TURNS[0] else pixels
    pixels = pixels[::-1] if way in TURNS[1] else pixels
    pixels = pixels[:, ::-1] if way in TURNS[2] else pixels
    return np.ascontiguousarray(pixels if bits == 16 else (pixels >> 8).astype(np.uint8))
