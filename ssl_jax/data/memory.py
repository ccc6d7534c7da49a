"""Sources from arrays in memory."""

import numpy as np
import tensorflow as tf

from ssl_jax.data import encoded
from ssl_jax.data.parts import Image
from ssl_jax.data.source import Source, digest, in_order, read_image
from ssl_jax.process.machine import cores


def arrays(
    images: np.ndarray, labels: np.ndarray | None = None, *, name: str = "arrays", classes: tuple[str, ...] = ()
) -> Source:
    """A source of images that are already decoded.

    images: uint8 or uint16 [n, h, w, c] or [n, h, w], any number of channels. labels: int [n], -1 for none.
    ValueError for another type or shape, or for no images.
    """
    images = np.ascontiguousarray(images)
    if images.dtype not in (np.uint8, np.uint16):
        raise ValueError(f"{name}: images must be uint8 or uint16, not {images.dtype}; scale them to 0..255 first")
    if images.ndim == 3:
        images = images[..., None]
    if images.ndim != 4 or not images.size:
        raise ValueError(f"{name}: images must have the shape [n, h, w, c], without an empty axis, not {images.shape}")
    labels = np.full(len(images), -1, np.int32) if labels is None else np.asarray(labels).astype(np.int32)
    if labels.shape != images.shape[:1]:
        raise ValueError(f"{name}: labels of the shape {labels.shape} do not fit {len(images)} images")
    pixels, targets = tf.constant(images), tf.constant(labels)
    same = digest(str(images.shape), str(images.dtype), images.data, labels.data, *classes)
    return Source(
        name=name,
        size=len(images),
        parts={"image": Image(images.shape[-1], 8 * images.dtype.itemsize)},
        read=lambda index: (pixels[index], targets[index]),
        labels=labels,
        classes=tuple(classes),
        digest=same,
        describe=lambda index: f"{name}, example {index}",
        stamp=same,
    )


def decoded(source: Source) -> Source:
    """The same source with its images decoded into memory once; unchanged where one of them is corrupt.

    All images must have the height and width `source.image.shape`.
    """
    rows = in_order(source, 0, source.size, 256)
    one = lambda *row: read_image(source, *row, exact=True)[0]  # noqa: E731
    blocks = rows.map(lambda *rows: encoded.survivors(one, *rows)[1], num_parallel_calls=cores())
    images = np.concatenate(list(blocks.as_numpy_iterator()))
    if len(images) < source.size:
        return source
    pixels, labels = tf.constant(images), tf.constant(source.labels)
    return source._replace(read=lambda index: (pixels[index], labels[index]), gather=None)
