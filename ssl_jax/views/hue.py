"""The hue of a color, turned on the device."""

import jax.numpy as jnp

from ssl_jax.types import Array


def turned(planes: list[Array], hue: Array) -> list[Array]:
    """RGB planes of 0..1 with the hue of HSV turned, saturation and value kept: torchvision's and Pillow's, without
    branches. hue: a share of the circle.

    A channel of an HSV color is v - c * clip(min(k, 4 - k), 0, 1) with k = (n + 6 hue) mod 6 and n = 5, 3, 1. Here are
    c and c k in the place of k, so that nothing is divided: compilers write down what they would have to divide twice.
    """
    r, g, b = planes
    value = jnp.maximum(jnp.maximum(r, g), b)
    chroma = value - jnp.minimum(jnp.minimum(r, g), b)
    # Not `value == r`: compilers recompute r with other roundings, and a miss by one bit would take a wrong branch.
    red, green = (r >= g) & (r >= b), g >= b

    def channel(n):
        """The largest is red, green or blue: k where the other two are equal, and chroma times what they add."""
        starts = (n + i + 6 * hue for i in (0, 2, 4))
        first, second, third = (start - 6 * jnp.floor(start * (1 / 6)) for start in starts)
        if_green = jnp.where(green, second * chroma + (b - r), third * chroma + (r - g))
        times_k = jnp.where(red, first * chroma + (g - b), if_green)
        times_k = times_k + jnp.where(times_k < 0, 6 * chroma, 0)
        times_k = times_k - jnp.where(times_k >= 6 * chroma, 6 * chroma, 0)
        return value - jnp.clip(jnp.minimum(times_k, 4 * chroma - times_k), 0, chroma)

    return [channel(5), channel(3), channel(1)]
