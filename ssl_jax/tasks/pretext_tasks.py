"""Inputs and labels made from the images alone."""

import jax.numpy as jnp

from ssl_jax.types import Array


def rotation(images: Array) -> tuple[Array, Array]:
    """Every image turned by 0, 90, 180 and 270 degrees counter-clockwise (arXiv:1803.07728, eq. 2 and code).

    images: [b, v, h, w, c], h == w -> inputs [b, 4 v, h, w, c], labels int32 [b, 4 v]; the first v are upright.
    Exact transposes, no resampling: dark corners would tell the answer. A flip after it would make 90 and 270 one
    class. Raises ValueError if the images are not square.
    """
    b, v, h, w, _ = images.shape
    if h != w:
        raise ValueError(f"rotation needs square images, got {h} x {w}; crop them to a square first")
    inputs = jnp.concatenate([jnp.rot90(images, turns, (2, 3)) for turns in range(4)], 1)
    labels = jnp.repeat(jnp.arange(4, dtype=jnp.int32), v)
    return inputs, jnp.broadcast_to(labels[None], (b, 4 * v))
