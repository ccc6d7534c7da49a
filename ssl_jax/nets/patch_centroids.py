"""Images as what their patches are to centroids, summed over regions: weights come from a pass over the data."""

import jax
import jax.numpy as jnp
import numpy as np

from ssl_jax.checks import ranges
from ssl_jax.nets.options import parameter_dtype
from ssl_jax.types import Array, Key, Net


def patch_centroids(*, out: int, patch: int = 6, stride: int = 1, regions: int = 2, contrast: float = 0.0025) -> Net:
    """Coates, Lee & Ng 2011: {"pool": [b, regions^2 out]} of images [b, h, w, c] of any size.

    Every patch of `patch` pixels, `stride` apart, is made free of its mean and of its contrast (over the root of its
    variance + `contrast`, in the units of the images; 10 in those of 0..255), whitened, and compared with `out`
    centroids: max(0, mean(d) - d) of its distances d (section 3.2.2). regions: squares on a side, over which these are
    summed (section 3.3). params: {"mean": [d], "whiten": [d, d], "kernel": [d, out]}, at first 0, the identity, and
    normal random numbers. With patches=True `apply` gives {"patches", "whitened"}, each [b, l, d], in their place.
    Raises ValueError for images smaller than a patch a region.
    """
    ranges.above_zero(out=out, patch=patch, stride=stride, regions=regions, contrast=contrast)

    def init(key: Key, x: Array) -> tuple[dict, dict]:
        size, dtype = patch * patch * x.shape[-1], parameter_dtype(x.dtype)
        _places(x.shape, patch, stride, regions)
        kernel = jax.random.normal(key, (size, out), dtype)
        return {"mean": jnp.zeros(size, dtype), "whiten": jnp.eye(size, dtype=dtype), "kernel": kernel}, {}

    def apply(params, stats, x, *, train, key=None, patches=False):
        cut = _cut(x.astype(params["kernel"].dtype), patch, stride)
        rows, columns = _places(x.shape, patch, stride, regions)
        if patches:
            flat = _plain(cut.reshape(len(x), -1, cut.shape[-1]), contrast)
            return {"patches": flat, "whitened": _whitened(flat, params)}, stats
        # One region after another: at once they would hold the distances of all patches.
        pieces = [cut[:, r, c].reshape(len(x), -1, cut.shape[-1]) for r in rows for c in columns]
        sums = [_triangle(_plain(piece, contrast), params).sum(1) for piece in pieces]
        return {"pool": jnp.concatenate(sums, -1)}, stats

    return Net(init, apply)


def _places(shape: tuple[int, ...], patch: int, stride: int, regions: int) -> tuple[list[slice], list[slice]]:
    """Rows and columns of the grid of patches in each region; the first ones are larger where it does not divide."""
    counts = [max(0, (side - patch) // stride + 1) for side in shape[1:3]]
    if min(counts) < regions:
        raise ValueError(
            f"{regions} regions a side of patches of {patch} pixels do not fit on images of {shape[1]} x {shape[2]}"
        )
    ends = [[round(np.ceil(n * i / regions)) for i in range(regions + 1)] for n in counts]
    rows, columns = ([slice(a, b) for a, b in zip(e[:-1], e[1:], strict=True)] for e in ends)
    return rows, columns


def _cut(x: Array, patch: int, stride: int) -> Array:
    """[b, h, w, c] -> [b, rows, columns, d]; the numbers of a patch in the order (row, column, channel)."""
    rows, columns = ((side - patch) // stride + 1 for side in x.shape[1:3])
    pieces = [
        x[:, i : i + (rows - 1) * stride + 1 : stride, j : j + (columns - 1) * stride + 1 : stride]
        for i in range(patch)
        for j in range(patch)
    ]
    return jnp.concatenate(pieces, -1)


def _plain(patches: Array, contrast: float) -> Array:
    centered = patches - patches.mean(-1, keepdims=True)
    return centered * jax.lax.rsqrt(jnp.mean(centered**2, -1, keepdims=True) + contrast)


def _whitened(patches: Array, params: dict) -> Array:
    return jnp.matmul(patches - params["mean"][None, None], params["whiten"], precision="highest")


def _triangle(patches: Array, params: dict) -> Array:
    rows, kernel = _whitened(patches, params), params["kernel"]
    square = jnp.sum(rows**2, -1, keepdims=True) - 2 * jnp.matmul(rows, kernel, precision="highest")
    d = jnp.sqrt(jnp.maximum(square + jnp.sum(kernel**2, 0)[None, None], 0))
    return jnp.maximum(jnp.mean(d, -1, keepdims=True) - d, 0)
