"""What is kept of each image to tell it from others: a digest of its pixels, small pictures of it, what file it is."""

import numpy as np
import tensorflow as tf

from ssl_jax.data import duplicates, encoded
from ssl_jax.data.source import digest
from ssl_jax.views import formats

STARTS = {
    "PNG": encoded.PNG,
    "JPEG": b"\xff\xd8\xff",
    "BMP": b"BM",
    "GIF": b"GIF8",
    "WebP": b"RIFF",
}
KINDS = {"tiff": "TIFF", "npy": ".npy", "npz": ".npz", "jpeg2000": "JPEG 2000", "avif": "AVIF", "heif": "HEIC"}
FORMATS = ("array", *STARTS, *KINDS.values(), "DICOM")
"""What an image is stored as, by number; "array" is one that the source holds decoded."""
LUMA = (0.299, 0.587, 0.114)
"""Weights of ITU-R BT.601, as the library ImageHash makes gray of color."""


def small(image: tf.Tensor, bits: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Of uint8 or uint16 [h, w, c], in 0..1: gray, float32 [32, 32], and colors, float16 [8, 8, c <= 3].

    Of other channels than 1, 3 or 4 gray is the mean of all, and colors are the first three.
    """
    x = tf.cast(image, tf.float32) / (2**bits - 1)
    shrunk = tf.image.resize(x, [duplicates.SIDE] * 2, method="area")
    channels = image.shape[-1]
    gray = tf.linalg.matvec(shrunk[..., :3], LUMA) if channels in (3, 4) else tf.reduce_mean(shrunk, -1)
    return gray, tf.cast(tf.image.resize(x[..., :3], [duplicates.TINY] * 2, method="area"), tf.float16)


def identified(data: tf.Tensor, image: tf.Tensor) -> tf.Tensor:
    """int64 [3] of an image as it is stored and decoded: a digest of its pixels, which of `FORMATS`, bits stored."""
    return tf.ensure_shape(tf.numpy_function(_identified, [data, image], tf.int64, stateful=False), [3])


def _identified(data: bytes | np.ndarray, image: np.ndarray) -> np.ndarray:
    same = int(digest(str(image.shape), np.ascontiguousarray(image).data), 16)
    if not isinstance(data, bytes):
        return np.array([same - 2**63, 0, 8 * image.dtype.itemsize], np.int64)
    kind = formats.kind(data)
    name = KINDS.get(kind, "DICOM") if kind else next(n for n, start in STARTS.items() if data.startswith(start))
    return np.array([same - 2**63, FORMATS.index(name), encoded.header(data)[1]], np.int64)
