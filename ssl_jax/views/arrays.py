"""Images as numpy writes them (.npy), in the graph: uint8 or uint16 [h, w, c] behind 128 bytes of header."""

import struct

import numpy as np
import tensorflow as tf

BEGIN = b"\x93NUMPY\1\0v\0"
"""What a header of 128 bytes begins with."""
HEADER = 128
SHAPE = r"\C*'shape': \(([0-9]+), ([0-9]+), ([0-9]+)\)\C*"


def written(pixels: np.ndarray) -> bytes:
    """An image uint8 or uint16 [h, w, c] as `np.save` writes it, with fewer copies."""
    kind = np.lib.format.dtype_to_descr(pixels.dtype.newbyteorder("<"))
    text = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {tuple(map(int, pixels.shape))}, }}"
    head = BEGIN[:8] + struct.pack("<H", HEADER - 10) + text.ljust(HEADER - 11).encode() + b"\n"
    return b"".join((head, np.ascontiguousarray(pixels, kind).data.cast("B")))


def begin(data: tf.Tensor) -> tf.Tensor:
    """Strings -> bool, whether they begin so."""
    return tf.equal(tf.strings.substr(data, 0, len(BEGIN)), BEGIN)


def plain(data: tf.Tensor, channels: int, dtype: tf.DType) -> tf.Tensor:
    """Strings [k] -> bool [k], whether each is an image of these channels, 0 for any, and this type, as `values` reads
    it, and of sides below 10,000.
    """
    sides = "[1-9][0-9]{0,3}, [1-9][0-9]{0,3}, " + (str(channels) if channels else "[1-9][0-9]{0,3}")
    kind = "<u2" if dtype == tf.uint16 else "[|]u1"
    text = rf"\C{{10}}\{{'descr': '{kind}', 'fortran_order': False, 'shape': \({sides}\), \}} *\n"
    return begin(data) & tf.strings.regex_full_match(tf.strings.substr(data, 0, HEADER), text)


def values(data: tf.Tensor, dtype: tf.DType) -> tf.Tensor:
    """A string scalar -> the image [h, w, c] that it holds; the graph fails where it holds more or less."""
    sides = tf.strings.split(tf.strings.regex_replace(tf.strings.substr(data, 0, HEADER), SHAPE, r"\1 \2 \3"))
    pixels = tf.io.decode_raw(data, dtype)[HEADER // dtype.size :]
    return tf.reshape(pixels, tf.ensure_shape(tf.strings.to_number(sides, tf.int32), [3]))
