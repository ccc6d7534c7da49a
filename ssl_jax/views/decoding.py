"""Encoded images -> upright pixels: TensorFlow decodes what it reads as Pillow does, Pillow the rest; a graph function.

A file is plain where the graph sees that nothing in it turns or recolors the picture: a JPEG that begins with the usual
tables and frame, perhaps behind comments and color profiles (`_behind_profiles`), or a PNG of whole bytes in which
nothing of `TELLING` occurs. Other JPEGs cost a call into Python, which walks over their segments (`turn`): TensorFlow
still decodes where these only turn the picture. Pillow decodes all else.

One thing is not seen: EXIF between the Huffman tables and the scan of a JPEG that begins plainly. No writer is known to
put it there.
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
HEAD = 180
"""Bytes in which the head of a plain file is found."""
HOPS = 4
"""Segments before the tables of a JPEG that the graph steps over."""
LOOKED = 2**14
"""Bytes in which Python looks for what turns a picture; Pillow decodes where these do not tell."""
SIDE = 0x2BFF
"""The longest side of a plain file; its square is less than PIXELS."""
JPEG = b"\xff\xd8"
JFIF = 20
"""Bytes of the beginning and of the JFIF segment."""
IDLE = np.array([0, 1, 0] + [1] * 14 + [0] * 14 + [1, 0, 0], np.int32)
"""Which markers from 0xFFDF to 0xFFFF and on say nothing of the pixels: APP0, APP2 to APP15, comments."""
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
TELLING = r"\C*(?:tRNS|acTL|eXIf|exif\x00|xmp\x00)\C*"
"""Names of what makes a PNG more than its pixels: a transparent color, an animation, EXIF, EXIF or XMP as text."""
ORIENTATION = 0x0112
TURNS = ((5, 6, 7, 8), (3, 4, 7, 8), (2, 3, 6, 7))
"""The orientations that swap the axes, and those that then reverse the rows, and the columns."""
MODES = {1: "L", 3: "RGB", 4: "RGBA"}
LUMA, HALF = np.array([19595, 38470, 7471], np.int32), 0x8000
"""2**16 times the weights of ITU-R BT.601, as Pillow makes grey of color, and what then rounds."""


def decoded(data: tf.Tensor, *, channels: int, dtype: tf.DType, exact: bool = False, plain: bool = False) -> tf.Tensor:
    """Bytes of a JPEG, PNG, WebP, BMP or GIF (its first frame) -> upright image [h, w, channels]; fails at damage.

    channels: 1, 3, 4, or 0 for those of the file; alpha is dropped where it is not asked for, as Pillow's `convert`
    does. dtype: uint8 or uint16. exact: JPEGs within one level of Pillow's, at up to a third more time; else with the
    fast transform, and grey of color is the file's own luma. plain: all files are known to be plain, so that no branch
    is needed.
    """
    if plain:
        return _by_tensorflow(data, channels, dtype, exact)
    # eagerly a string comes as an array without axes, in a graph as bytes
    python = lambda x: opened(np.asarray(x, object).item(), channels=channels, bits=8 * dtype.size)  # noqa: E731
    other = lambda: tf.ensure_shape(tf.numpy_function(python, [data], dtype), [None, None, None])  # noqa: E731
    way = _way(data, channels, dtype, exact)
    image = tf.cond(way > 0, lambda: _by_tensorflow(data, channels, dtype, exact), other)
    return tf.cond(way > 1, lambda: _turned(image, way), lambda: image)


def _way(data: tf.Tensor, channels: int, dtype: tf.DType, exact: bool) -> tf.Tensor:
    """int32 []: the EXIF orientation, 1 to 8, of a file that TensorFlow decodes as Pillow does; 0 for every other."""
    known = dict(channels=channels, dtype=dtype, exact=exact)
    one, none = lambda: tf.constant(1), lambda: tf.constant(0)
    walk = lambda x: np.int32(turn(np.asarray(x, object).item()))  # noqa: E731

    def walked() -> tf.Tensor:
        start = tf.strings.substr(data, 0, LOOKED)  # copies are what a call into Python costs
        return tf.ensure_shape(tf.numpy_function(walk, [start], tf.int32, stateful=False), [])

    def looked() -> tf.Tensor:
        return tf.cond(_behind_profiles(data), one, walked)

    jpeg = tf.equal(tf.strings.substr(data, 0, 2), JPEG) & _jpegs(**known)
    return tf.cond(is_plain(data, **known), one, lambda: tf.cond(jpeg, looked, none))


def turn(data: bytes) -> int:
    """The EXIF orientation, 1 to 8, of a JPEG that TensorFlow decodes as Pillow does; 0 for every other file.

    Walks over the segments up to the picture: 8 bits, baseline or progressive, 1 or 3 components.
    """
    try:
        return _turn(data)
    except (struct.error, IndexError, ValueError, KeyError, SyntaxError, OSError):
        return 0  # damaged: Pillow will say how


def _turn(data: bytes) -> int:
    found, framed = 0, False
    for at, kind, length in segments(data):
        body = data[at + 4 : at + 2 + length] if kind in (0xE1, 0xC0, 0xC1, 0xC2) else b""
        if length < 2:
            return 0
        if kind == 0xDA:
            return (found or 1) if framed else 0
        if kind in (0xC0, 0xC1, 0xC2):
            bits, height, width, components = struct.unpack_from(">BHHB", body)
            framed = bits == 8 and components in (1, 3) and 0 < height * width <= PIXELS
        elif 0xC3 <= kind <= 0xCF and kind not in (0xC4, 0xC8):
            return 0  # lossless, hierarchical or arithmetic coding
        elif body.startswith(b"Exif\0\0"):
            found = found or _orientation(body)  # what a second one has, Pillow appends to the first
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
    """Strings [...] -> bool [...], whether TensorFlow reads these files as Pillow does, upright."""
    length = tf.strings.length(data) * tf.cast(tf.equal(tf.strings.substr(data, 0, 4), PNG[:4]), tf.int32)
    telling = tf.strings.regex_full_match(tf.strings.substr(data, tf.zeros_like(length), length), TELLING)
    jpegs = list(_jpeg_heads()) if _jpegs(channels, dtype, exact) else []
    return _begins(data, [*_png_heads(channels), *jpegs]) & ~telling


def _begins(data: tf.Tensor, heads: list[tuple[np.ndarray, np.ndarray]]) -> tf.Tensor:
    """Strings [...] -> bool [...], whether their first bytes lie within the bounds of one of the heads."""
    low, high = (tf.constant(np.stack(bounds)) for bounds in zip(*heads, strict=True))
    head = tf.io.decode_raw(data, tf.uint8, fixed_length=low.shape[1])[..., None, :]
    return tf.reduce_any(tf.reduce_all((head >= low) & (head <= high), -1), -1)


def _behind_profiles(data: tf.Tensor) -> tf.Tensor:
    """bool [], whether a JPEG is plain but for up to HOPS segments that say nothing of its pixels.

    These are comments and applications' segments but for APP1, which has EXIF and XMP. Color profiles are APP2.
    """
    at, length = tf.constant(2), tf.strings.length(data)
    for _ in range(HOPS):
        word = tf.io.decode_raw(tf.strings.substr(data, at, 4), tf.int32, little_endian=False, fixed_length=4)[0]
        marker = tf.bitwise.right_shift(word, 16) + 0x20  # 0 at APP0, as the sign is shifted in
        idle = tf.gather(IDLE, tf.clip_by_value(marker, -1, 0x20) + 1)
        at = tf.minimum(at + idle * (2 + tf.bitwise.bitwise_and(word, 0xFFFF)), length)
    heads = [(low[JFIF:], high[JFIF:]) for low, high in _jpeg_heads()]
    return _begins(tf.strings.substr(data, at, HEAD), heads)


def _jpegs(channels: int, dtype: tf.DType, exact: bool) -> bool:
    """Whether TensorFlow decodes JPEGs as is asked for: it gives them no alpha, and 16 bits by the fast transform."""
    return channels != 4 and not (exact and dtype == tf.uint16)


def _by_tensorflow(data: tf.Tensor, channels: int, dtype: tf.DType, exact: bool) -> tf.Tensor:
    if exact and dtype == tf.uint8:  # the op decodes PNG, too
        # of a color JPEG it gives the luma, which is another grey than that of colors clipped to 0..255
        own = channels if channels != 1 else 0
        image = tf.io.decode_jpeg(data, channels=own, fancy_upscaling=True, dct_method="INTEGER_ACCURATE")
        colored = tf.shape(image)[-1] > 1
        return image if own == channels else tf.cond(colored, lambda: _grey(image), lambda: image)
    return tf.io.decode_image(data, channels=channels, dtype=dtype, expand_animations=False)


def _grey(image: tf.Tensor) -> tf.Tensor:
    """uint8 [h, w, 3] -> [h, w, 1], as Pillow has it."""
    weighed = tf.reduce_sum(tf.cast(image, tf.int32) * LUMA, -1, keepdims=True)
    return tf.cast(tf.bitwise.right_shift(weighed + HALF, 16), tf.uint8)


def _png_heads(channels: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Of whole bytes or pairs. Grey of color is left to Pillow, whose weights differ."""
    for color in (0,) if channels == 1 else (0, 2, 6):
        for bits in (8, 16):
            sides = [(place, b"\0\0\0", b"\0\0" + bytes([SIDE >> 8])) for place in (16, 20)]
            yield _bounds(_same(0, PNG), *sides, _same(24, bytes([bits, color])))


def _jpeg_heads() -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """JFIF, one or two quantization tables, a baseline or progressive frame of 1 or 3 components, a Huffman table."""
    # the tables that lie between JFIF and the frame: (length of each, how many)
    for length, count in ((0x43, 1), (0x43, 2), (0x84, 1)):
        frame = JFIF + count * (length + 2)
        tables = [_same(JFIF + k * (length + 2), bytes([0xFF, 0xDB, 0, length])) for k in range(count)]
        jfif = _same(0, JPEG + b"\xff\xe0\0\x10JFIF\0")
        sides = [(frame + place, b"\0", bytes([SIDE >> 8])) for place in (5, 7)]
        for kind in (0xC0, 0xC2):
            for size, components in ((0x0B, 1), (0x11, 3)):
                start = _same(frame, bytes([0xFF, kind, 0, size, 8]))
                end = _same(frame + 9, bytes([components])), (frame + 2 + size, b"\xff\xc4", b"\xff\xdd")
                yield _bounds(jfif, *tables, start, *sides, *end)


def _bounds(*parts: tuple[int, bytes, bytes]) -> tuple[np.ndarray, np.ndarray]:
    """The least and the greatest value of each byte of a head, uint8 [HEAD], from (place, least, greatest) of parts."""
    low, high = np.zeros(HEAD, np.uint8), np.full(HEAD, 255, np.uint8)
    for place, least, greatest in parts:
        low[place : place + len(least)] = np.frombuffer(least, np.uint8)
        high[place : place + len(least)] = np.frombuffer(greatest, np.uint8)
    return low, high


def _same(place: int, value: bytes) -> tuple[int, bytes, bytes]:
    return place, value, value


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
        pixels = ((pixels @ LUMA.astype(np.int64) + HALF) >> 16)[..., None].astype(np.uint16)
    way = image.getexif().get(ORIENTATION, 1)
    pixels = pixels.swapaxes(0, 1) if way in TURNS[0] else pixels
    pixels = pixels[::-1] if way in TURNS[1] else pixels
    pixels = pixels[:, ::-1] if way in TURNS[2] else pixels
    return np.ascontiguousarray(pixels if bits == 16 else (pixels >> 8).astype(np.uint8))
