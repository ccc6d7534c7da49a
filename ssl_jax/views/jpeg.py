"""What JPEG leaves of an image (ITU-T T.81, baseline), as libjpeg does it, without the bytes: a function of arrays.

Chroma is halved in both directions (4:2:0) and comes back by a triangle filter. Rounding is at the same places, so that
few pixels differ from those of a file: where a cosine transform in whole numbers falls on the other side of a half.
"""

import jax.numpy as jnp
import numpy as np

from ssl_jax.types import Array

LUMINANCE = (
    *((16, 11, 10, 16, 24, 40, 51, 61), (12, 12, 14, 19, 26, 58, 60, 55), (14, 13, 16, 24, 40, 57, 69, 56)),
    *((14, 17, 22, 29, 51, 87, 80, 62), (18, 22, 37, 56, 68, 109, 103, 77), (24, 35, 55, 64, 81, 104, 113, 92)),
    *((49, 64, 78, 87, 103, 121, 120, 101), (72, 92, 95, 98, 112, 100, 103, 99)),
)
CHROMINANCE = (
    *((17, 18, 24, 47), (18, 21, 26, 66), (24, 26, 56, 99), (47, 66, 99, 99)),
    *((99, 99, 99, 99),) * 4,
)
"""The tables of T.81's annex K; of the second one the left half, the right one is 99."""


def coded(image: Array, quality: int) -> Array:
    """[c, h, w] of 0..1, c 1 or 3, rounded to 256 levels -> what is left of it at a quality of 1..100.

    Raises ValueError for other numbers of channels.
    """
    levels = _rounded(image * 255)
    luminance, chrominance = (_table(base, quality) for base in (LUMINANCE, [row + (99,) * 4 for row in CHROMINANCE]))
    if len(image) == 1:
        return _transformed(levels, luminance) / 255
    if len(image) != 3:
        raise ValueError(f"JPEG wants 1 or 3 channels, and the image has {len(image)}")
    r, g, b = levels
    y = _rounded(0.299 * r + 0.587 * g + 0.114 * b)
    chroma = jnp.stack([-0.168735892 * r - 0.331264108 * g + 0.5 * b, 0.5 * r - 0.418687589 * g - 0.081312411 * b])
    y = _transformed(y[None], luminance)[0]
    blue, red = _doubled(_transformed(_halved(jnp.ceil(chroma + 127.5)), chrominance), *image.shape[1:]) - 128
    green = _rounded(-0.344136286 * blue - 0.714136286 * red)
    colors = y + jnp.stack([_rounded(1.402 * red), green, _rounded(1.772 * blue)])
    return jnp.clip(colors, 0, 255) / 255


def _table(base: object, quality: int) -> np.ndarray:
    """[8, 8]: the steps of quantization at a quality, as libjpeg scales them."""
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    return np.clip((np.array(base) * scale + 50) // 100, 1, 255).astype(np.float64)


def _transformed(planes: Array, table: np.ndarray) -> Array:
    """Planes [c, h, w] of 0..255, cut into blocks, whose cosine transforms are rounded to steps of the table."""
    c, h, w = planes.shape
    padded = jnp.pad(planes, ((0, 0), (0, -h % 8), (0, -w % 8)), "edge") - 128
    down, across = (side // 8 for side in padded.shape[1:])
    blocks = padded.reshape(c, down, 8, across, 8).transpose(0, 1, 3, 2, 4)
    k = np.arange(8)
    cosines = np.cos(np.pi * (2 * k + 1) * k[:, None] / 16) * np.where(k, np.sqrt(2), 1)[:, None]
    cosines, table = jnp.asarray(cosines, planes.dtype), jnp.asarray(table, planes.dtype)
    rows = _rounded(4 * jnp.einsum("...ij,vj->...iv", blocks, cosines, precision="highest"))
    found = _rounded(jnp.einsum("ui,...iv->...uv", cosines, rows, precision="highest") / 4)  # 8 times what is kept
    kept = jnp.sign(found) * jnp.floor((jnp.abs(found) + 4 * table) / (8 * table)) * table
    columns = _rounded(4 * jnp.einsum("ui,...uv->...iv", cosines, kept, precision="highest"))
    back = _rounded(jnp.einsum("...iv,vj->...ij", columns, cosines, precision="highest") / 32)
    whole = back.transpose(0, 1, 3, 2, 4).reshape(padded.shape)[:, :h, :w]
    return jnp.clip(whole + 128, 0, 255)


def _rounded(values: Array) -> Array:
    return jnp.floor(values + 0.5)


def _halved(planes: Array) -> Array:
    """[c, h, w] -> [c, ceil(h / 2), ...], means of 2 x 2, halves down and up in turn; filled up to whole blocks."""
    c, h, w = planes.shape
    padded = jnp.pad(planes, ((0, 0), (0, h % 2), (0, -w % 16)), "edge")
    sums = padded.reshape(c, padded.shape[1] // 2, 2, padded.shape[2] // 2, 2).sum((2, 4))
    return jnp.floor((sums + 1 + np.arange(sums.shape[2]) % 2) / 4)


def _doubled(planes: Array, height: int, width: int) -> Array:
    """[c, h, w] -> [c, height, width]: three quarters of the nearer and a quarter of the farther one, in rows and then
    in columns, rounded once."""
    near = planes[:, :, : -(-width // 2)]
    sums = _between(near, 1)
    columns = _between(sums, 2)
    odd = np.arange(columns.shape[2]) % 2
    return jnp.floor((columns + 8 - odd) / 16)[:, :height, :width]


def _between(planes: Array, axis: int) -> Array:
    """Twice as many along an axis: 3 times each with the one before it, and with the one after it."""
    first, last = (jnp.take(planes, jnp.array([place]), axis) for place in (0, planes.shape[axis] - 1))
    rest = planes.shape[axis] - 1
    before = jnp.concatenate([first, jnp.take(planes, jnp.arange(rest), axis)], axis)
    after = jnp.concatenate([jnp.take(planes, jnp.arange(1, rest + 1), axis), last], axis)
    both = jnp.stack([3 * planes + before, 3 * planes + after], axis + 1)
    return both.reshape(*planes.shape[:axis], -1, *planes.shape[axis + 1 :])
