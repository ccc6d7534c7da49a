"""Encoded images -> upright pixels, those of Pillow: TensorFlow decodes, and Pillow rewrites what it would get wrong.

A file is plain where the graph sees that nothing in it turns or recolors the picture: a JPEG that begins with the usual
tables and frame, or a PNG of whole bytes in which nothing of `TELLING` occurs. All others go through Python (`simple`),
many in one call: JPEGs whose segments say nothing of the picture stay what they are, everything else becomes a PNG of
what Pillow makes of it, so that one graph without a branch decodes all.

Files of other formats (`formats.py`) are read in Python, too, and so are all of a source with other channels than a PNG
can have. Where a source has such files (`reading`), what Python makes of a file is an array as numpy writes it instead,
which costs the graph a copy; without them the graph is the one that knows of no others.

One thing is not seen: EXIF between the Huffman tables and the scan of a JPEG that begins plainly. No writer is known to
put it there.
"""

import io
import re
import struct
from collections.abc import Callable, Iterator

import numpy as np
import tensorflow as tf
from PIL import Image, ImageOps

from ssl_jax.checks import spelling
from ssl_jax.views import arrays, formats
from ssl_jax.views.formats import MODES, ORIENTATION, PIXELS, Reading

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF")
HEAD = 184
"""Bytes in which the head of a plain file is found; whole numbers of 8 bytes."""
LOOKED = 2**14
"""Bytes of a JPEG in which Python looks for what turns the picture, before it looks at the whole file."""
HIGH = b"\xe0"
"""Bits of the high byte of a side that a plain file lacks: sides are below 8,192, and their product below PIXELS."""
JPEG = b"\xff\xd8"
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
TELLING = r"\C*(?:tRNS|acTL|eXIf|exif\x00|xmp\x00)\C*"
"""Names of what makes a PNG more than its pixels: a transparent color, an animation, EXIF, EXIF or XMP as text."""
XMP = b"http://ns.adobe.com/xap/1.0/\0"


def decoded(
    data: tf.Tensor,
    *,
    channels: int,
    dtype: tf.DType,
    exact: bool = False,
    plain: bool = False,
    reading: Reading | None = None,
) -> tf.Tensor:
    """Bytes of an image, of a GIF its first frame -> upright image [h, w, channels]; fails at damage.

    channels: 0 for those of the file; 1, 3 and 4 are made of each other, alpha is dropped where it is not asked for, as
    Pillow's `convert` does; any other number is that of the file, and needs `reading`, as files do that are read as it
    says. dtype: uint8 or uint16. exact: JPEGs within one level of Pillow's, at up to a third more time; else with the
    fast transform, and gray of color is the file's own luma. plain: the file is known to be plain, or is what `simple`
    has made of one.
    """
    if not plain:
        known = dict(channels=channels, dtype=dtype, exact=exact, reading=reading)
        data = simple(data[None], **known, damaged=False)[0]
    if reading is None:
        return _colors(data, channels, dtype, exact)
    array = lambda: arrays.values(data, dtype)  # noqa: E731
    if channels and channels not in MODES:
        return array()
    return tf.cond(arrays.begin(data), array, lambda: _colors(data, channels, dtype, exact))


def _colors(data: tf.Tensor, channels: int, dtype: tf.DType, exact: bool) -> tf.Tensor:
    """What TensorFlow decodes of itself."""
    if exact and dtype == tf.uint8:  # the op decodes PNG, too
        # of a color JPEG it gives the luma, which is another gray than that of colors clipped to 0..255
        own = channels if channels != 1 else 0
        image = tf.io.decode_jpeg(data, channels=own, fancy_upscaling=True, dct_method="INTEGER_ACCURATE")
        return _gray(image) if channels == 1 else image
    return tf.io.decode_image(data, channels=channels, dtype=dtype, expand_animations=False)


def simple(
    data: tf.Tensor,
    *,
    channels: int,
    dtype: tf.DType,
    exact: bool,
    damaged: bool = True,
    reading: Reading | None = None,
) -> tf.Tensor:
    """Encoded images [k] -> [k] that TensorFlow decodes to what Pillow would: plain ones as they are, others rewritten.

    channels, dtype, exact, reading: as `decoded` will be asked for. damaged: whether what cannot be read becomes an
    empty string; else the graph fails with the reason.
    """
    known = dict(channels=channels, dtype=dtype, exact=exact)

    def some(function: Callable, which: tf.Tensor) -> tf.Tensor:
        return tf.cond(tf.size(which) > 0, lambda: function(which), lambda: data)

    def looked(odd: tf.Tensor) -> tf.Tensor:
        # Python sees the beginnings alone, as copies are what a call costs
        heads = tf.gather(tf.strings.substr(data, 0, LOOKED), odd)
        fine = tf.numpy_function(lambda files: np.array([stands(file) for file in files]), [heads], tf.bool)
        return some(rewritten, tf.boolean_mask(odd, ~tf.ensure_shape(fine, [None])))

    def rewritten(odd: tf.Tensor) -> tf.Tensor:
        return tf.tensor_scatter_nd_update(data, odd[:, None], made(tf.gather(data, odd)))

    def made(files: tf.Tensor) -> tf.Tensor:
        how = dict(known, damaged=damaged, reading=reading)
        python = lambda files: np.array([_rewritten(file, **how) for file in files], object)  # noqa: E731
        return tf.ensure_shape(tf.numpy_function(python, [files], tf.string), [None])

    plain = is_plain(data, **known)
    few = lambda: some(looked if _jpegs(**known) else rewritten, tf.where(~plain)[:, 0])  # noqa: E731
    if reading is None:
        return few()
    plain |= arrays.plain(data, channels, dtype)
    return tf.cond(tf.reduce_any(plain), few, lambda: made(data))  # where all are made, none has to be copied


def _rewritten(
    data: bytes, *, channels: int, dtype: tf.DType, exact: bool, damaged: bool, reading: Reading | None
) -> bytes:
    if _jpegs(channels, dtype, exact) and stands(data):
        return data
    try:
        image = opened(data, channels=channels, bits=8 * dtype.size, reading=reading or Reading())
        return arrays.written(image) if reading is not None else tf.io.encode_png(image, compression=0).numpy()
    except ValueError:
        if damaged:
            return b""
        raise


def stands(data: bytes) -> bool:
    """Whether TensorFlow decodes this JPEG as Pillow does: 8 bits, baseline or progressive, 1 or 3 components, upright.

    False for every other file, and where the bytes end before the picture begins.
    """
    try:
        return _stands(data)
    except (struct.error, IndexError, ValueError, KeyError, SyntaxError, OSError):
        return False  # damaged: Pillow will say how


def _stands(data: bytes) -> bool:
    exif, xmp, framed = b"", b"", False
    for at, kind, length in segments(data):
        body = data[at + 4 : at + 2 + length] if kind in (0xE1, 0xC0, 0xC1, 0xC2) else b""
        if length < 2:
            return False
        if kind == 0xDA:
            return framed and _orientation(exif, xmp) == 1
        if kind in (0xC0, 0xC1, 0xC2):
            bits, height, width, components = struct.unpack_from(">BHHB", body)
            framed = bits == 8 and components in (1, 3) and 0 < height * width <= PIXELS
        elif 0xC3 <= kind <= 0xCF and kind not in (0xC4, 0xC8):
            return False  # lossless, hierarchical or arithmetic coding
        elif body.startswith(b"Exif\0\0"):
            exif = exif or body  # what a second one has, Pillow appends to the first
        elif body.startswith(XMP):
            xmp = body
    return False


def _orientation(exif: bytes, xmp: bytes) -> int:
    """As Pillow reads it: what EXIF says, else XMP."""
    parsed = Image.Exif()
    if exif:
        parsed.load(exif)
    said = re.search(rb'tiff:Orientation(?:="|>)([0-9])', xmp)
    found = parsed.get(ORIENTATION, int(said[1]) if said else 1)
    return found if found in range(1, 9) else 1


def segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """(place, kind, length) of the segments of a JPEG, up to the first bytes that begin none."""
    at = 2
    while data[:2] == JPEG and at + 4 <= len(data) and data[at] == 0xFF:
        kind, length = struct.unpack_from(">BH", data, at + 1)
        yield at, kind, length
        at += 2 + length


def is_plain(data: tf.Tensor, *, channels: int, dtype: tf.DType, exact: bool = False) -> tf.Tensor:
    """Strings [k] -> bool [k], whether TensorFlow reads these files as Pillow does, upright."""
    if channels and channels not in MODES:
        return tf.zeros_like(data, tf.bool)
    heads = [*_png_heads(channels), *(_jpeg_heads() if _jpegs(channels, dtype, exact) else ())]
    masks, values = (tf.constant(np.stack(rows).view(np.int64)) for rows in zip(*heads, strict=True))
    head = tf.io.decode_raw(data, tf.int64, fixed_length=HEAD)[:, None]
    begins = tf.reduce_any(tf.reduce_all(tf.equal(tf.bitwise.bitwise_and(head, masks), values), -1), -1)
    length = tf.where(tf.equal(tf.strings.substr(data, 0, 4), PNG[:4]), tf.strings.length(data), 0)
    telling = tf.strings.regex_full_match(tf.strings.substr(data, tf.zeros_like(length), length), TELLING)
    return begins & ~telling


def _jpegs(channels: int, dtype: tf.DType, exact: bool) -> bool:
    """Whether TensorFlow decodes JPEGs as is asked for: it gives them no alpha, and 16 bits by the fast transform."""
    return channels in (0, 1, 3) and not (exact and dtype == tf.uint16)


def _gray(image: tf.Tensor) -> tf.Tensor:
    """uint8 [h, w, 1 or 3] -> [h, w, 1], as Pillow has it."""

    def weighed() -> tf.Tensor:
        sums = tf.reduce_sum(tf.cast(image, tf.int32) * formats.LUMA, -1, keepdims=True)
        return tf.cast(tf.bitwise.right_shift(sums + formats.HALF, 16), tf.uint8)

    return tf.cond(tf.shape(image)[-1] > 1, weighed, lambda: image)


def _png_heads(channels: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Of whole bytes or pairs. Gray of color is left to Pillow, whose weights differ."""
    for color in (0,) if channels == 1 else (0, 2, 6):
        for bits in (8, 16):
            sides = [(place, b"\0\0\0", b"\xff\xff" + HIGH) for place in (16, 20)]
            yield _head((0, PNG), *sides, (24, bytes([bits, color])))


def _jpeg_heads() -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """JFIF, one or two quantization tables, a baseline or progressive frame of 1 or 3 components, no APP behind it."""
    # the tables that lie between JFIF and the frame: (length of each, how many)
    for length, count in ((0x43, 1), (0x43, 2), (0x84, 1)):
        frame = 20 + count * (length + 2)
        tables = [(20 + k * (length + 2), bytes([0xFF, 0xDB, 0, length])) for k in range(count)]
        sides = [(frame + place, b"\0", HIGH) for place in (5, 7)]
        for size, components in ((0x0B, 1), (0x11, 3)):
            kind = (frame, bytes([0xFF, 0xC0, 0, size, 8]), b"\xff\xfd\xff\xff\xff")  # 0xC0 or 0xC2
            end = (frame + 9, bytes([components])), (frame + 2 + size, b"\xff\xc0", b"\xff\xe0")  # below 0xE0, APP0
            yield _head((0, JPEG + b"\xff\xe0\0\x10JFIF\0"), *tables, kind, *sides, *end)


def _head(*parts: tuple[int, bytes] | tuple[int, bytes, bytes]) -> tuple[np.ndarray, np.ndarray]:
    """(masks, values) uint8 [HEAD] of the first bytes, from (place, values) or (place, values, masks) of parts."""
    masks, values = np.zeros((2, HEAD), np.uint8)
    for place, value, *mask in parts:
        values[place : place + len(value)] = np.frombuffer(value, np.uint8)
        masks[place : place + len(value)] = np.frombuffer(mask[0], np.uint8) if mask else 0xFF
    return masks, values


def opened(data: bytes, *, channels: int, bits: int, reading: Reading = Reading()) -> np.ndarray:
    """Any image, upright: uint8 or uint16 [h, w, channels]. ValueError, with the reason, at damage."""
    try:
        if formats.kind(data):
            return formats.fitted(*formats.pixels(data, reading=reading), channels, bits)
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            formats.small(*image.size, 1)
            own = formats.native(image.mode)
            if channels and channels not in MODES:
                raise ValueError(f"it has {own} channels, and {channels} are read")
            if image.format == "PNG" and data[24] == 16:
                return _sixteen(image, data, channels, bits)
            image.load()
            upright = ImageOps.exif_transpose(image)
            mode = MODES[channels or formats.native(upright.mode)]
            if mode != "RGBA":
                upright.info.pop("transparency", None)  # which Pillow would warn of, and which is dropped
            pixels = np.asarray(upright if upright.mode == mode else upright.convert(mode))
    except Image.DecompressionBombError as error:
        raise ValueError(f"it has more than {PIXELS:,} pixels") from error
    except Image.UnidentifiedImageError as error:
        raise ValueError("no image of a known format begins like this") from error
    except Exception as error:  # readers raise whatever damage makes of their parsing
        said = spelling.one_line(error)
        plain = isinstance(error, ValueError | OSError | SyntaxError) and said
        raise ValueError(said if plain else f"it is damaged ({type(error).__name__}: {said})") from error
    return formats.fitted(formats.image_of(pixels), False, channels, bits)


def orientation(data: bytes) -> int:
    """The EXIF orientation, 1 (upright) to 8; 1 where there is none."""
    try:
        if formats.kind(data):
            return formats.orientation(data)
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            found = image.getexif().get(ORIENTATION, 1)
    except Exception:  # an image that cannot be read is counted as such where it is decoded
        return 1
    return found if found in range(1, 9) else 1


def _sixteen(image: Image.Image, data: bytes, channels: int, bits: int) -> np.ndarray:
    """A PNG of 16 bits, of which Pillow keeps 8 where it has colors."""
    colored = data[25] & 2
    wanted = channels or formats.native("RGBA" if data[25] == 6 else "RGB" if colored else "L")
    gray = wanted == 1 and colored
    pixels = tf.io.decode_png(data, channels=3 if gray else wanted, dtype=tf.uint16).numpy()
    upright = formats.turned(pixels, image.getexif().get(ORIENTATION, 1))
    return formats.fitted(upright, False, wanted, bits)
