"""Encoded images: decoding in the graph, headers, and a map that survives what is corrupt."""

import struct
from collections.abc import Callable

import tensorflow as tf

from ssl_jax.views import geometric

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif")
PNG = b"\x89PNG\r\n\x1a\n"
JPEG_SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def decode(
    data: tf.Tensor, *, channels: int, bits: int, size: tuple[int | None, int | None] = (None, None)
) -> tf.Tensor:
    """Bytes of a PNG, JPEG, WebP, BMP or GIF (its first frame) -> uint8 or uint16 [h, w, channels].

    channels: 1, 3 or 4, or 0 for as many as the file has. bits: 8 or 16. size: the height and width, where they are
    known. The graph fails at a corrupt image, and at one of another size; a truncated JPEG counts as corrupt.
    """
    out = geometric.decode_trusted(data, channels=channels, dtype=tf.uint16 if bits == 16 else tf.uint8)
    return tf.ensure_shape(out, [*size, channels or None])


def is_image(data: bytes) -> bool:
    """Whether the bytes begin as one of the known formats does."""
    starts = (PNG, b"\xff\xd8\xff", b"BM", b"GIF8", b"RIFF")
    return data.startswith(starts)


def header(data: bytes) -> tuple[int, int]:
    """(channels, bits) of an encoded image, from its header alone; (3, 8) for formats other than PNG and JPEG.

    An alpha channel beside grey is not counted: TensorFlow reads such a PNG as grey.
    """
    if data[:8] == PNG and len(data) > 25:
        return {0: 1, 4: 1, 6: 4}.get(data[25], 3), 16 if data[24] == 16 else 8
    at = 2
    while data[:2] == b"\xff\xd8" and at + 10 <= len(data) and data[at] == 0xFF:
        if data[at + 1] in JPEG_SIZES:
            return (1 if data[at + 9] == 1 else 3), 8
        at += 2 + struct.unpack(">H", data[at + 2 : at + 4])[0]
    return 3, 8


def common(headers: list[tuple[int, int]]) -> tuple[int, int]:
    """(channels, bits) that files with these headers are decoded to: those they all have, else 3 channels and 8 bits."""
    channels, bits = {c for c, _ in headers}, {b for _, b in headers}
    return (channels.pop() if len(channels) == 1 else 3), (bits.pop() if len(bits) == 1 else 8)


def survivors(function: Callable, *rows: tf.Tensor) -> tuple[tf.Tensor, tuple]:
    """`function` over the rows on which it does not fail, inside a graph.

    rows: tensors with a common first axis. Returns (int32 [k], results with first axis k): which rows survived, in
    order, and what they gave, which must have fixed shapes. One inner dataset serves all rows, since building one
    costs more than decoding a small image does.
    """
    count = tf.shape(rows[0])[0]
    numbered = tf.data.Dataset.from_tensor_slices((tf.range(count), *rows))
    good = numbered.map(lambda slot, *row: (slot, function(*row))).ignore_errors()
    # One row of zeros at the end, since an empty dataset has no element to get.
    zeros = tf.nest.map_structure(lambda spec: tf.zeros(spec.shape, spec.dtype), good.element_spec)
    padded = good.concatenate(tf.data.Dataset.from_tensors(zeros))
    stacked = padded.batch(tf.cast(count, tf.int64) + 1).get_single_element()
    return tf.nest.map_structure(lambda x: x[:-1], stacked)
