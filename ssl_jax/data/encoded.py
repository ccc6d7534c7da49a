"""Encoded images: decoding in the graph, headers, and a map that survives what is corrupt."""

import io
import re
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, BinaryIO

import tensorflow as tf

from ssl_jax.views import decoding, formats, geometric
from ssl_jax.views.formats import Reading

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif")
"""Of images that TensorFlow decodes."""
ALL = (*SUFFIXES, *formats.SUFFIXES)
"""Of images that can be read."""
PNG = b"\x89PNG\r\n\x1a\n"
CONTROL_FLOW = frozenset({"If", "StatelessIf", "While", "StatelessWhile", "Case", "StatelessCase"})
JPEG_SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def decode(
    data: tf.Tensor,
    *,
    channels: int,
    bits: int,
    size: tuple[int | None, int | None] = (None, None),
    exact: bool = False,
    plain: bool = False,
    reading: Reading | None = None,
) -> tf.Tensor:
    """Bytes of an image -> upright, uint8 or uint16 [h, w, channels].

    channels: 0 for as many as the file has. bits: 8 or 16. size: the height and width, where they are known. exact,
    plain, reading: as in `views/decoding.py`. The graph fails at a corrupt image, and at one of another size; a
    truncated JPEG counts as corrupt.
    """
    known = dict(exact=exact, plain=plain, reading=reading)
    out = geometric.decode_trusted(data, channels=channels, dtype=dtype_of(bits), **known)
    return tf.ensure_shape(out, [*size, channels or None])


def simple(data: tf.Tensor, *, channels: int, bits: int, exact: bool, reading: Reading | None = None) -> tf.Tensor:
    """Encoded images [k] -> [k] for `decode` with `plain`; what cannot be read becomes an empty string."""
    return decoding.simple(data, channels=channels, dtype=dtype_of(bits), exact=exact, reading=reading)


def dtype_of(bits: int) -> tf.DType:
    """What images of 8 or 16 bits are decoded to."""
    return tf.uint16 if bits == 16 else tf.uint8


def reason(error: Exception) -> str:
    """What an error of reading or decoding says, in one line, without the place in the graph."""
    said = str(getattr(error, "message", error)).splitlines() or [type(error).__name__]
    return re.sub(r"\{\{.*?\}\}", "", said[0]).strip().removeprefix("ValueError: ").partition(" [Op:")[0].strip()


def is_image(data: bytes) -> bool:
    """Whether the bytes begin as one of the known formats does."""
    starts = (PNG, b"\xff\xd8\xff", b"BM", b"GIF8", b"RIFF")
    return data.startswith(starts)


def header(data: bytes) -> tuple[int, int]:
    """(channels, bits) of an encoded image, from its header alone; (3, 8) for formats other than PNG and JPEG.

    An alpha channel beside gray is not counted: TensorFlow reads such a PNG as gray. Of the formats of `formats.py` the
    whole file has to be there.
    """
    if formats.kind(data):
        return header_of(io.BytesIO(data), Reading()) or (3, 8)
    if data[:8] == PNG and len(data) > 25:
        return {0: 1, 4: 1, 6: 4}.get(data[25], 3), 16 if data[24] == 16 else 8
    at = framed(data)
    return (1 if at and data[at + 9] == 1 else 3), 8


def header_of(file: BinaryIO, reading: Reading) -> tuple[int, int] | None:
    """(channels, bits) of a file of one of the formats of `formats.py`; None where it cannot be read as an image."""
    try:
        return formats.header(file, reading=reading)
    except Exception:  # readers raise whatever damage makes of their parsing; said where the image is read
        return None


def framed(data: bytes) -> int:
    """Where a JPEG says its size and channels, in bytes from its beginning; 0 where these bytes do not."""
    at = next((at for at, kind, _ in decoding.segments(data) if kind in JPEG_SIZES), 0)
    return at if at + 10 <= len(data) else 0


def common(headers: list[tuple[int, int]]) -> tuple[int, int]:
    """(channels, bits) that files with these headers are decoded to: what all of them have, else 3 and 8.

    Where most have channels that are no colors, theirs, and what these files have in common of bits.
    """
    counts = Counter(c for c, _ in headers)
    most = max(counts, key=counts.get)
    if most not in decoding.MODES:
        headers = [head for head in headers if head[0] == most]
    channels, bits = {c for c, _ in headers}, {b for _, b in headers}
    return (channels.pop() if len(channels) == 1 else 3), (bits.pop() if len(bits) == 1 else 8)


def read_as(channels: int, suffixes: Iterable[str] = (), reading: Reading = Reading()) -> Reading | None:
    """What a part of images with these channels, and files of these endings, says of reading them (`parts.Image`)."""
    known = channels in decoding.MODES and set(suffixes).isdisjoint(formats.SUFFIXES) and not any(reading)
    return None if known else reading


def survivors(function: Callable, *rows: tf.Tensor, threads: int | None = None) -> tuple[tf.Tensor, tuple]:
    """`function` over the rows on which it does not fail, inside a graph.

    rows: tensors, or dicts of them, with a common first axis. Returns (int32 [k], results with first axis k): which
    rows survived, in order, and what they gave, which must have fixed shapes. One inner dataset serves all rows, since
    building one costs more than decoding a small image does. threads: how many work at once, where no other rows keep
    them busy.
    """
    count = tf.shape(tf.nest.flatten(rows)[0])[0]
    numbered = tf.data.Dataset.from_tensor_slices((tf.range(count), *rows))
    rowwise = tf.function(lambda slot, *row: (slot, function(*row)), autograph=False)
    traced = rowwise.get_concrete_function(*numbered.element_spec)
    alone = threads is None and not _branches(traced)
    good = _in_one_thread(numbered, traced) if alone else numbered.map(traced, num_parallel_calls=threads)
    good = good.ignore_errors()
    # One row of zeros at the end, since an empty dataset has no element to get.
    zeros = tf.nest.map_structure(lambda spec: tf.zeros(spec.shape, spec.dtype), good.element_spec)
    padded = good.concatenate(tf.data.Dataset.from_tensors(zeros))
    stacked = padded.batch(tf.cast(count, tf.int64) + 1).get_single_element()
    return tf.nest.map_structure(lambda x: x[:-1], stacked)


def _branches(traced: Any) -> bool:
    """Whether a graph has control flow, which the executor of `_in_one_thread` refuses."""
    graph = traced.graph.as_graph_def()
    inner = (node.op for function in graph.library.function for node in function.node_def)
    return not CONTROL_FLOW.isdisjoint({*(node.op for node in graph.node), *inner})


def _in_one_thread(dataset: tf.data.Dataset, traced: Any) -> tf.data.Dataset:
    """`dataset.map(traced)` without handing nodes from thread to thread: a quarter faster for small images.

    `Dataset.map` hides this argument of the op. The caller must hold `traced` for as long as the dataset.
    """
    results = tf.nest.flatten(traced.structured_outputs)
    variant = tf.raw_ops.MapDataset(
        input_dataset=tf.data.experimental.to_variant(dataset),
        other_arguments=traced.captured_inputs,
        f=traced,
        output_types=[result.dtype for result in results],
        output_shapes=[result.shape for result in results],
        use_inter_op_parallelism=False,
    )
    specs = tf.nest.map_structure(lambda x: tf.TensorSpec(x.shape, x.dtype), traced.structured_outputs)
    return tf.data.experimental.from_variant(variant, specs)
