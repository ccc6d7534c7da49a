"""An encoder, and the head that makes one code of its last map: what reconstruction begins with."""

import jax
import jax.numpy as jnp

from ssl_jax.paradigms import encode
from ssl_jax.types import Array, Key, Net, Tree

NARROW = "bottleneck"
"""The role of the head."""


def only(inputs: dict[str, Array]) -> Array:
    """The one part of an example that there is. Raises ValueError where there are several."""
    if len(inputs) != 1:
        raise ValueError(f"the encoder takes one part of an example, and is shown {', '.join(inputs)}")
    return next(iter(inputs.values()))


def coder(encoder: Net, bottleneck: Net) -> Net:
    """Images [b, h, w, c] -> the encoder's output, and "code" [b, k]: what the head makes of all places of its last map
    (or its tokens) in a row. Parameters and statistics are {"encoder", "bottleneck"}.
    """

    def row(y: dict) -> Array:
        grid = encode.grid(y)
        return grid.reshape(len(grid), -1)

    def init(key: Key, x: Array) -> tuple[Tree, Tree]:
        keys, params, stats = jax.random.split(key), {}, {}
        params["encoder"], stats["encoder"] = encoder.init(keys[0], x)
        shape = jax.eval_shape(
            lambda p, s: row(encoder.apply(p, s, x, train=False)[0]), params["encoder"], stats["encoder"]
        )
        params[NARROW], stats[NARROW] = bottleneck.init(keys[1], jnp.zeros(shape.shape, shape.dtype))
        return params, stats

    def apply(params: Tree, stats: Tree, x: Array, *, train: bool, key: Key | None = None) -> tuple[dict, Tree]:
        new = {}
        y, new["encoder"] = encoder.apply(params["encoder"], stats["encoder"], x, train=train, key=key)
        code, new[NARROW] = bottleneck.apply(params[NARROW], stats[NARROW], row(y), train=train, key=key)
        return {**y, "code": code}, new

    return Net(init, apply)


def same_shape(images: Array, wanted: Array, role: str) -> None:
    """Raises ValueError where a decoder's images have not the shape of those that they are compared with."""
    if images.shape != wanted.shape:
        (h, w, c), made = wanted.shape[1:], list(images.shape[1:])
        raise ValueError(
            f"the {role} makes images of {made} and is compared with {[h, w, c]}: "
            f"give nets.{role} size={h} and channels={c}"
        )
