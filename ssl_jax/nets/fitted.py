"""Networks whose weights are found by passes over the data, not by gradients: a linear map, distances to centroids."""

import jax
import jax.numpy as jnp

from ssl_jax.checks import ranges, spelling
from ssl_jax.types import Array, Key, Net

FEATURES = ("triangle", "distance")


def components(*, out: int) -> Net:
    """Centered images [b, h, w, c] times `out` components: {"pool": [b, out]}.

    params: {"mean": [h, w, c], "kernel": [h, w, c, out]}, at first zeros and random orthonormal columns. `init` raises
    ValueError for more components than an image has numbers, `apply` for images of another shape.
    """
    ranges.above_zero(out=out)

    def init(key: Key, x: Array) -> tuple[dict, dict]:
        shape, dtype = x.shape[1:], jnp.promote_types(x.dtype, jnp.float32)
        size = x[0].size
        if out > size:
            raise ValueError(f"there are no {out} components of images {list(shape)}: take {size} or fewer")
        columns, _ = jnp.linalg.qr(jax.random.normal(key, (size, out), dtype))
        return {"mean": jnp.zeros(shape, dtype), "kernel": columns.reshape(*shape, out)}, {}

    def apply(params, stats, x, *, train, key=None):
        rows, kernel = flat(x, params["kernel"])
        return {"pool": _product(rows - params["mean"].reshape(1, -1), kernel)}, stats

    return Net(init, apply)


def centroids(*, out: int, features: str = "triangle") -> Net:
    """What images [b, h, w, c] are to `out` centroids: {"pool": [b, out]}.

    features: "distance", the Euclidean distances d; or "triangle", max(0, mean(d) - d), which is 0 for about half of
    the centroids (Coates, Lee & Ng 2011, section 3.2.2). params: {"kernel": [h, w, c, out]}, at first normal random
    numbers. Raises ValueError for other features; `apply` for images of another shape.
    """
    ranges.above_zero(out=out)
    if features not in FEATURES:
        raise ValueError(spelling.unknown(features, FEATURES, "the features"))

    def init(key: Key, x: Array) -> tuple[dict, dict]:
        dtype = jnp.promote_types(x.dtype, jnp.float32)
        return {"kernel": jax.random.normal(key, (*x.shape[1:], out), dtype)}, {}

    def apply(params, stats, x, *, train, key=None):
        rows, kernel = flat(x, params["kernel"])
        square = jnp.sum(rows**2, 1, keepdims=True) - 2 * _product(rows, kernel) + jnp.sum(kernel**2, 0)[None]
        d = jnp.sqrt(jnp.maximum(square, 0))
        triangle = jnp.maximum(jnp.mean(d, 1, keepdims=True) - d, 0)
        return {"pool": triangle if features == "triangle" else d}, stats

    return Net(init, apply)


def flat(x: Array, kernel: Array) -> tuple[Array, Array]:
    """Images [b, h, w, c] as rows [b, d], and a kernel [h, w, c, k] as [d, k]. Raises ValueError where they differ."""
    if x.shape[1:] != kernel.shape[:-1]:
        raise ValueError(
            f"images {list(x.shape[1:])} came to an encoder of images {list(kernel.shape[:-1])}, which takes no others"
        )
    return x.reshape(x.shape[0], -1).astype(kernel.dtype), kernel.reshape(-1, kernel.shape[-1])


def _product(rows: Array, kernel: Array) -> Array:
    return jnp.matmul(rows, kernel, precision="highest")
