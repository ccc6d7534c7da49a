"""Masks whose units are larger than the encoder's patches."""

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp

from ssl_jax.types import Array, Key


def random(unit: int, patch: int, ratio: float) -> Callable[[Key, Array], Array]:
    """The function (key, images [b, h, w, c]) -> bool [b, (h / patch) (w / patch)], the patches that are hidden.

    Of the units of `unit` x `unit` pixels of each image ceil(ratio times their number) are hidden, any with the same
    chance, and with them their patches (SimMIM, arXiv:2111.09886, section 3.2; code). Raises ValueError where patches
    do not tile a unit, and (called) units an image.
    """
    if unit % patch:
        raise ValueError(f"patches of {patch} pixels do not tile a mask unit of {unit} x {unit}: take a multiple")

    def hide(key: Key, images: Array) -> Array:
        b, h, w, _ = images.shape
        if h % unit or w % unit:
            raise ValueError(f"mask units of {unit} pixels do not tile an image of {h} x {w}: take a divisor of both")
        rows, columns, within = h // unit, w // unit, unit // patch
        rank = jnp.argsort(jnp.argsort(jax.random.uniform(key, (b, rows * columns)), 1), 1)
        hidden = (rank < math.ceil(ratio * rows * columns)).reshape(b, rows, 1, columns, 1)
        return jnp.broadcast_to(hidden, (b, rows, within, columns, within)).reshape(b, -1)

    return hide
