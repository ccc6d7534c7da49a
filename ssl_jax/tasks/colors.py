"""The colors of images as classes: bins of the a-b plane, soft targets, and colors of answers (arXiv:1603.08511).

Images are sRGB in -1..1, as views normalized with a mean and a std of 0.5 have them.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ssl_jax.losses import colorization as losses
from ssl_jax.types import Array, Metrics, Tree
from ssl_jax.views import color_spaces

GRAY = 5.0
"""An image has no color where neither a nor b of any pixel is farther from 0 than this (released code)."""

ANNEALED = 0.38
"""The temperature of the colors in pictures (section 2.3)."""


class Palette(NamedTuple):
    """How colors become classes. centers: [q, 2], a and b of the bins. stride: of the pixels whose color is asked, in
    rows and columns. neighbors, sigma: see `soft`."""

    centers: np.ndarray
    stride: int
    neighbors: int
    sigma: float


@functools.cache
def bins(size: int) -> np.ndarray:
    """The a and b of every bin, size x size, into which a color of sRGB falls: float64 [q, 2], multiples of `size`.

    The faces of the color cube have every a and b that there is; they are looked at in 86 levels. Of size 10 there are
    261, of 20 there are 76. The authors' list of 313 has a ring of bins beyond sRGB.
    """
    level, faces = np.linspace(0, 1, 86), []
    u, v = (each.ravel() for each in np.meshgrid(level, level))
    for axis, end in np.ndindex(3, 2):
        planes = [u, v]
        planes.insert(axis, np.full_like(u, end))
        faces.append(np.stack(color_spaces.cie_lab(planes, np.where)[1:], 1))
    return np.unique(np.round(np.concatenate(faces) / size), axis=0) * size + 0.0


def light_and_color(images: Array) -> tuple[Array, Array]:
    """Images [..., 3] -> CIE L in 0..100, [...], and a and b, [..., 2]. Raises ValueError for other than 3 channels."""
    if images.shape[-1] != 3:
        raise ValueError(
            f"colors are predicted, and the images have {images.shape[-1]} channels: take images in color; gray ones "
            "that are read with --config.data.channels=3 have nothing to learn from either"
        )
    pixels = jnp.clip((images + 1) / 2, 0, 1)
    light, *color = color_spaces.cie_lab([pixels[..., i] for i in range(3)], jnp.where)
    return light, jnp.stack(color, -1)


def painted(light: Array, color: Array) -> Array:
    """L [b, h, w] with a and b [b, i, j, 2] of any coarser grid, enlarged linearly: images [b, h, w, 3] in -1..1."""
    fine = jax.image.resize(color, (*light.shape, 2), "linear")
    planes = color_spaces.rgb([light, fine[..., 0], fine[..., 1]], jnp.where)
    return 2 * jnp.clip(jnp.stack(planes, -1), 0, 1) - 1


def colored(color: Array) -> Array:
    """Whether images have color, from a and b [b, v, h, w, 2]: bool [b, v]."""
    return jnp.any(jnp.abs(color) > GRAY, (-3, -2, -1))


def targets(images: Array, *, stride: int) -> Array:
    """a and b of every `stride`-th pixel of images [b, v, h, w, 3], without averaging, which would make gray: [b, v,
    h / stride, w / stride, 2]."""
    return light_and_color(images[:, :, ::stride, ::stride])[1]


def soft(color: Array, palette: Palette) -> Array:
    """a and b [..., 2] as shares of the nearest bins, [..., q], of sum 1 (section 2.1; code).

    Each of the `neighbors` nearest has a Gaussian weight by its distance; bins that are as near as the last of them
    count as well, so that no order of the bins matters.
    """
    square = squares(color, palette)
    last = -jax.lax.top_k(-square, min(palette.neighbors, square.shape[-1]))[0][..., -1:]
    beyond = square - jnp.min(square, -1, keepdims=True)  # the nearest has weight 1 however far it is
    weights = jnp.where(square <= last, jnp.exp(-beyond / (2 * palette.sigma**2)), 0)
    return weights / jnp.sum(weights, -1, keepdims=True)


def squares(color: Array, palette: Palette) -> Array:
    """Squared distances of a and b [..., 2] from the bins, [..., q]."""
    one, other = (
        color[..., i, None] - jnp.asarray(palette.centers[:, i], color.dtype).reshape((1,) * (color.ndim - 1) + (-1,))
        for i in range(2)
    )
    return jnp.square(one) + jnp.square(other)


def unknown(palette: Palette) -> dict[str, Array]:
    """What is known of how often bins occur before anything is counted: {"prior": [q]}, all alike."""
    return {"prior": jnp.full(len(palette.centers), 1 / len(palette.centers))}


def counts(images: Array, palette: Palette) -> Array:
    """How often each bin occurs in images [b, h, w, 3], [b, q]: sums of soft targets, 0 for images without color.

    The soft targets smooth what occurs, as the paper does with a Gaussian of this sigma.
    """
    color = targets(images[:, None], stride=palette.stride)
    return jnp.sum(jnp.where(colored(color)[..., None, None, None], soft(color, palette), 0), (1, 2, 3))


def judge(palette: Palette, *, uniform: float) -> Callable[[Array, Array, Tree], tuple[Array, Metrics]]:
    """(logits [b, v, i, j, q], a and b [b, v, i, j, 2], {"prior": [q]}) -> (value, metrics): `losses.rebalanced`.

    A pixel has the weight of its nearest bin, and images without color have none. top1: how often that bin is named;
    chance: how often the commonest of the batch would be right; mean_target: the value of whoever answers each pixel
    with the batch's mean. Raises ValueError for logits of another grid or number.
    """

    def judged(logits: Array, color: Array, held: Tree) -> tuple[Array, Metrics]:
        if logits.shape[-1] != (q := len(palette.centers)):
            raise ValueError(
                f"the decoder names {logits.shape[-1]} colors and there are {q} bins: set --config.nets.decoder.out={q}"
            )
        if (made := logits.shape[2:4]) != (asked := color.shape[2:4]):
            raise ValueError(
                f"the decoder paints {made[0]} x {made[1]} places, and a stride of {palette.stride} asks {asked[0]} x "
                f"{asked[1]}: each of config.nets.decoder.widths doubles the sides of the encoder's last map"
            )
        there = jnp.broadcast_to(colored(color)[..., None, None], color.shape[:-1]).reshape(-1)
        nearest = jnp.argmin(squares(color, palette), -1).reshape(-1)
        weights = losses.rarity(held["prior"], uniform=uniform)[nearest]
        shares, answers = (a.reshape(-1, q) for a in (soft(color, palette), logits))
        value = losses.rebalanced(shares, answers, weights, there)
        right = (logits.argmax(-1).reshape(-1) == nearest) & there
        often = jnp.sum((nearest[:, None] == jnp.arange(q)[None]) & there[:, None], 0)
        count = jnp.maximum(jnp.sum(there), 1)
        metrics = {"top1": jnp.sum(right) / count, "chance": jnp.max(often) / count, "colored": jnp.mean(there)}
        mean = jnp.sum(jnp.where(there[:, None], shares, 0), 0) / count.astype(shares.dtype)
        unseeing = -jnp.sum(jax.scipy.special.xlogy(mean, mean)).astype(jnp.float32)
        named = {f"pretext/{name}": metric.astype(jnp.float32) for name, metric in metrics.items()}
        return value, {"mean_target": unseeing, **named}

    return judged


def annealed_mean(logits: Array, palette: Palette, *, temperature: float) -> Array:
    """The color of answers [..., q]: the mean of the bins by softmax(logits / temperature), [..., 2] (eq. 5).

    At 1 it is the mean, which is dull; towards 0 it is the likeliest bin.
    """
    shares = jax.nn.softmax(logits / temperature, -1)
    return jnp.matmul(shares, jnp.asarray(palette.centers, shares.dtype), precision="highest")


def picture(images: Array, logits: Array, palette: Palette) -> dict:
    """{"colorization": rows}: images [b, 1, h, w, 3] without their colors, with those of the answers [b, 1, i, j, q],
    and as they are."""
    light, _ = light_and_color(images[:, 0])
    color = annealed_mean(logits[:, 0], palette, temperature=ANNEALED)
    rows = {"gray": painted(light, jnp.zeros_like(color)), "predicted": painted(light, color), "true": images[:, 0]}
    return {"colorization": rows}
