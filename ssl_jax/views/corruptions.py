"""What evaluation does to test images to see what features withstand: planes [c, h, w] of 0..1, on the device.

The kinds of CIFAR-10-C that are functions of the pixels, with its constants (Hendrycks and Dietterich 2019,
arXiv:1903.12261, and code); left out are those that want drawings (frost) or a flow of pixels.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from ssl_jax.types import Array, Key
from ssl_jax.views import jpeg

SEVERITIES: dict[str, tuple] = {
    "gaussian_noise": (0.04, 0.06, 0.08, 0.09, 0.10),
    "shot_noise": (500, 250, 100, 75, 50),
    "impulse_noise": (0.01, 0.02, 0.03, 0.05, 0.07),
    "speckle_noise": (0.06, 0.1, 0.12, 0.16, 0.2),
    "blur": (0.4, 0.6, 0.7, 0.8, 1.0),
    "defocus": ((0.3, 0.4), (0.4, 0.5), (0.5, 0.6), (1.0, 0.2), (1.5, 0.1)),
    "contrast": (0.75, 0.5, 0.4, 0.3, 0.15),
    "brightness": (0.05, 0.1, 0.15, 0.2, 0.3),
    "saturate": ((0.3, 0.0), (0.1, 0.0), (1.5, 0.0), (2.0, 0.1), (2.5, 0.2)),
    "pixelate": (0.95, 0.9, 0.85, 0.75, 0.65),
    "motion_blur": ((6, 1.0), (6, 1.5), (6, 2.0), (8, 2.0), (9, 2.5)),
    "jpeg": (80, 65, 58, 50, 40),
}
"""Kind -> its constant, or constants, at severities 1 to 5."""


def corrupt(key: Key, image: Array, *, kind: str, severity: int) -> Array:
    """The image, corrupted and cut to 0..1. Raises ValueError for a kind or severity that does not exist."""
    if kind not in SEVERITIES or not 1 <= severity <= 5:
        raise ValueError(f"corruption {kind!r} of severity {severity}: there are {', '.join(SEVERITIES)}, from 1 to 5")
    return jnp.clip(KINDS[kind](key, image, SEVERITIES[kind][severity - 1]), 0, 1)


def gamma(key: Key, image: Array, *, exponent: float) -> Array:
    """x ** exponent: darker above 1, brighter below, the same at 1 (as in Zhong et al. 2022's study of robustness)."""
    return image**exponent


def shuffle_patches(key: Key, image: Array, *, grid: int) -> Array:
    """The image cut into grid x grid tiles in random order: texture stays, shape goes (after arXiv:1811.12231).

    Raises ValueError unless `grid` divides the sides.
    """
    c, h, w = image.shape
    if h % grid or w % grid:
        raise ValueError(f"{grid} x {grid} tiles do not fit an image of {h} x {w}: give a divisor of both")
    tiles = image.reshape(c, grid, h // grid, grid, w // grid).transpose(1, 3, 0, 2, 4)
    flat = tiles.reshape(grid * grid, c, h // grid, w // grid)
    mixed = flat[jax.random.permutation(key, grid * grid)].reshape(tiles.shape)
    return mixed.transpose(2, 0, 3, 1, 4).reshape(c, h, w)


def _gaussian_noise(key: Key, image: Array, sd: float) -> Array:
    return image + sd * jax.random.normal(key, image.shape, image.dtype)


def _shot_noise(key: Key, image: Array, photons: float) -> Array:
    return jax.random.poisson(key, image * photons, image.shape).astype(image.dtype) / photons


def _impulse_noise(key: Key, image: Array, share: float) -> Array:
    hit, white = (jax.random.uniform(k, image.shape) for k in jax.random.split(key))
    return jnp.where(hit < share, (white < 0.5).astype(image.dtype), image)


def _speckle_noise(key: Key, image: Array, sd: float) -> Array:
    return image + image * sd * jax.random.normal(key, image.shape, image.dtype)


def _blur(key: Key, image: Array, sigma: float) -> Array:
    """Borders repeat the last pixel; cut off at four sigma, as scikit-image's."""
    rows, columns = (_gaussian(side, sigma) for side in image.shape[1:])
    return jnp.asarray(rows, image.dtype) @ image @ jnp.asarray(columns.T, image.dtype)


def _gaussian(side: int, sigma: float) -> np.ndarray:
    radius = int(4 * sigma + 0.5)
    offsets = np.arange(-radius, radius + 1)
    weights = np.exp(-0.5 * (offsets / sigma) ** 2)
    out = np.zeros((side, side))
    for i in range(side):
        np.add.at(out[i], np.clip(i + offsets, 0, side - 1), weights / weights.sum())
    return out


def _defocus(key: Key, image: Array, constants: tuple[float, float]) -> Array:
    """A disk, its edge softened by a Gaussian of 3 x 3; borders are reflected without the last pixel."""
    disk, radius = _disk(*constants), 9
    padded = jnp.pad(image, ((0, 0), (radius, radius), (radius, radius)), "reflect")
    kernel = jnp.asarray(disk, image.dtype)[None, None]
    return jax.lax.conv_general_dilated(padded[:, None], kernel, (1, 1), "VALID", precision="highest")[:, 0]


def _disk(radius: float, alias: float) -> np.ndarray:
    """[19, 19]: that of 17 x 17 points, its mass one, with room for the softening."""
    y, x = np.mgrid[-8:9, -8:9]
    disk = (x**2 + y**2 <= radius**2).astype(np.float64)
    soft = np.exp(-0.5 * (np.arange(-1, 2) / alias) ** 2)
    soft = np.outer(soft, soft) / soft.sum() ** 2
    out = np.zeros((19, 19))
    for i in range(3):
        for j in range(3):
            out[i : i + 17, j : j + 17] += soft[i, j] * disk / disk.sum()
    return out


def _contrast(key: Key, image: Array, factor: float) -> Array:
    mean = jnp.mean(image, (1, 2), keepdims=True)
    return (image - mean) * factor + mean


def _brightness(key: Key, image: Array, more: float) -> Array:
    """Added to the value of HSV; gray images are those of no saturation."""
    value = jnp.max(image, 0, keepdims=True)
    return jnp.where(value > 0, image / jnp.where(value > 0, value, 1), 1) * jnp.clip(value + more, 0, 1)


def _saturate(key: Key, image: Array, constants: tuple[float, float]) -> Array:
    """The saturation of HSV times and plus a constant; what has none has the hue 0, red, if it gets some."""
    if image.shape[0] != 3:
        raise ValueError(f"saturation wants 3 channels, and the image has {image.shape[0]}")
    value = jnp.max(image, 0, keepdims=True)
    chroma = value - jnp.min(image, 0, keepdims=True)
    saturation = chroma / jnp.where(value > 0, value, 1)
    new = jnp.clip(saturation * constants[0] + constants[1], 0, 1)
    below = jnp.where(
        chroma > 0, (value - image) / jnp.where(chroma > 0, chroma, 1), jnp.array([0.0, 1, 1])[:, None, None]
    )
    return value - value * new * below


def _pixelate(key: Key, image: Array, share: float) -> Array:
    """Smaller and back, by means of boxes as Pillow takes them."""
    for sides in (tuple(int(side * share) for side in image.shape[1:]), image.shape[1:]):
        rows, columns = (jnp.asarray(_boxes(*ab), image.dtype) for ab in zip(image.shape[1:], sides, strict=True))
        image = rows @ image @ columns.T
    return image


def _motion_blur(key: Key, image: Array, constants: tuple[int, float]) -> Array:
    """Half a Gaussian along a line of an angle between -45 and 45 degrees, its points rounded to pixels, as
    ImageMagick's; what lies outside is the nearest pixel of the border."""
    (radius, sigma), (_, h, w) = constants, image.shape
    taps, angle = np.arange(2 * radius + 1), jnp.deg2rad(jax.random.uniform(key, (), image.dtype, -45, 45))
    weights = np.exp(-0.5 * (taps / sigma) ** 2)
    moves = jnp.ceil(jnp.stack([jnp.sin(angle), jnp.cos(angle)]) * taps[:, None] - 0.5).astype(jnp.int32)

    def add(total: Array, tap: tuple[Array, Array]) -> tuple[Array, None]:
        share, (down, right) = tap
        rows, columns = jnp.clip(jnp.arange(h) + down, 0, h - 1), jnp.clip(jnp.arange(w) + right, 0, w - 1)
        return total + share * image[:, rows][:, :, columns], None

    shares = jnp.asarray(weights / weights.sum(), image.dtype)
    return jax.lax.scan(add, jnp.zeros_like(image), (shares, moves))[0]


def _jpeg(key: Key, image: Array, quality: int) -> Array:
    return jpeg.coded(image, quality)


def _boxes(old: int, new: int) -> np.ndarray:
    """[new, old]: the weights of Pillow's box filter, which takes the pixels whose centers lie in the box."""
    scale = old / new
    support, out = 0.5 * max(scale, 1.0), np.zeros((new, old))
    for i in range(new):
        center = (i + 0.5) * scale
        low, high = max(int(center - support + 0.5), 0), min(int(center + support + 0.5), old)
        places = (np.arange(low, high) - center + 0.5) / max(scale, 1.0)
        out[i, low:high] = (places > -0.5) & (places <= 0.5)
    return out / out.sum(1, keepdims=True)


KINDS: dict[str, Callable] = {name: globals()[f"_{name}"] for name in SEVERITIES}
"""(key, image, constant) -> image, not yet cut to 0..1."""
