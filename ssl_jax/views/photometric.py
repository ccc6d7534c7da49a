"""Color and blur on the device: float images in 0..1, one image and one key at a time.

An operation is `op(key, image [c, h, w], **args) -> image`: planes, because colors mix channels pixel by pixel and
processors want neighbors in a row. A clip [c, t, h, w] goes the same way: each frame becomes what the operation with
this key makes of it as an image. `compose_device.py` makes planes of [h, w, c] and the batch of one image. What an
operation draws and what it does with it are two functions, so that the draw can be given: `color_jitter` is
`jitter(image, draw_jitter(key, ...))`. `photometric_host.py` has the same names, parameters and formulas in tensorflow.
The formulas are those of torchvision's tensor operations (Pillow's, in floats), not those of tf.image: contrast turns
around the mean gray of the image, saturation around the gray of the pixel.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from ssl_jax.types import Array, Key
from ssl_jax.views import color_spaces
from ssl_jax.views.hue import turned

LUMA = (0.299, 0.587, 0.114)
"""ITU-R 601 luma, as Pillow's conversion to gray; torchvision rounds 0.299 to 0.2989."""
RAND_AUGMENT = tuple(
    "identity autocontrast equalize posterize solarize saturation contrast brightness sharpness".split()
)
"""The color operations of RandAugment (Cubuk et al. 2019, arXiv:1909.13719), in the order of their numbers."""


class Jitter(NamedTuple):
    """What a color jitter drew, all scalars but `order`.

    brightness, contrast, saturation: factors, 1 changes nothing. shift: added to the image. hue: turns, -0.5..0.5.
    order: int32 [4], which of brightness (with shift) 0, contrast 1, saturation 2, hue 3 comes first, second, ...
    """

    brightness: Array
    shift: Array
    contrast: Array
    saturation: Array
    hue: Array
    order: Array


def draw_jitter(
    key: Key, *, brightness: float, contrast: float, saturation: float, hue: float, additive: bool = False
) -> Jitter:
    """Factors from U(max(0, 1 - a), 1 + a), the hue from U(-hue, hue), the order from all 24 alike.

    additive: brightness is a shift from U(-a, a) (BYOL's code, SimCLR's first mode) and no factor (torchvision,
    SimCLR's second mode).
    """
    amounts = jnp.array([0 if additive else brightness, brightness if additive else 0, contrast, saturation, hue])
    center = jnp.array([1.0, 0.0, 1.0, 1.0, 0.0])
    low = jnp.maximum(center - amounts, jnp.array([0.0, -jnp.inf, 0.0, 0.0, -jnp.inf]))
    draws = jax.random.uniform(key, (9,))
    return Jitter(*(low + draws[:5] * (center + amounts - low)), order=jnp.argsort(draws[5:]))


def jitter(image: Array, drawn: Jitter) -> Array:
    """Brightness, contrast, saturation and hue in the drawn order, clipped to 0..1 after each.

    image: [c, h, w]; with any other number than 3 channels saturation and hue are left out.
    """

    def brightness(planes):
        return [_clip(drawn.brightness * plane + drawn.shift) for plane in planes]

    def contrast(planes):
        gray = _gray([_mean(plane) for plane in planes])
        return [_blend(plane, gray, drawn.contrast) for plane in planes]

    def saturation(planes):
        gray = _gray(planes)
        return [_blend(plane, gray, drawn.saturation) for plane in planes]

    def hue(planes):
        return turned(planes, drawn.hue)

    colored = (saturation, hue) if len(image) == 3 else (_same, _same)
    planes = list(image)
    for place in range(4):
        planes = jax.lax.switch(drawn.order[place], (brightness, contrast, *colored), planes)
    return jnp.stack(planes)


def color_jitter(
    key: Key,
    image: Array,
    *,
    brightness: float = 0.0,
    contrast: float = 0.0,
    saturation: float = 0.0,
    hue: float = 0.0,
    additive: bool = False,
) -> Array:
    """`jitter` with the parameters of `draw_jitter` (SimCLR, arXiv:2002.05709, appendix A).

    Raises ValueError for a saturation or a hue on other than three channels.
    """
    if saturation or hue:
        _needs_color(image, "color_jitter with saturation or hue")
    amounts = dict(brightness=brightness, contrast=contrast, saturation=saturation, hue=hue)
    return jitter(image, draw_jitter(key, **amounts, additive=additive))


def grayscale(key: Key, image: Array) -> Array:
    """The luma in all three channels. Raises ValueError for other than three channels."""
    _needs_color(image, "grayscale")
    return jnp.broadcast_to(_gray(image)[None], image.shape)


def lab(key: Key, image: Array) -> Array:
    """L, a and b in 0..1, see `color_spaces.lab` (CMC). Raises ValueError for other than three channels."""
    _needs_color(image, "lab")
    return jnp.stack(color_spaces.lab(image, jnp.where))


def gaussian_blur(key: Key, image: Array, *, kernel_size: int, sigma: tuple[float, float] = (0.1, 2.0)) -> Array:
    """`blur` with a sigma from U(*sigma), in pixels; kernel_size: odd, in pixels (SimCLR: a tenth of the side)."""
    return blur(image, draw_sigma(key, sigma=sigma), kernel_size=kernel_size)


def draw_sigma(key: Key, *, sigma: tuple[float, float]) -> Array:
    """A scalar from U(*sigma)."""
    return jax.random.uniform(key, (), minval=sigma[0], maxval=sigma[1])


def blur(image: Array, sigma: Array, *, kernel_size: int) -> Array:
    """A Gaussian cut off at kernel_size taps, with reflected borders (torchvision's), as a matrix product a side.

    On a matrix unit the products cost less than a convolution, though most of the two matrices is zero.
    """
    h, w = image.shape[-2:]
    rows = band(h, sigma, kernel_size=kernel_size).astype(image.dtype)
    columns = rows if h == w else band(w, sigma, kernel_size=kernel_size).astype(image.dtype)
    return rows @ image @ columns.T


def band(size: int, sigma: Array, *, kernel_size: int) -> Array:
    """[size, size]: row i holds the weights of the pixels that make pixel i, borders reflected without the edge.

    Raises ValueError for an even kernel or one that reaches beyond the reflection.
    """
    radius = kernel_size // 2
    if kernel_size % 2 == 0 or radius >= size:
        raise ValueError(f"a blur of {kernel_size} taps on {size} pixels: give an odd number below {2 * size}")
    i, j = jnp.arange(size)[:, None], jnp.arange(size)[None]

    def weight(offset):
        return jnp.where(jnp.abs(offset) <= radius, jnp.exp(-0.5 * (offset / sigma) ** 2), 0)

    left = jnp.where(j > 0, weight(i + j), 0)
    right = jnp.where(j < size - 1, weight(2 * (size - 1) - i - j), 0)
    return (weight(i - j) + left + right) / jnp.sum(weight(jnp.arange(-radius, radius + 1)))


def solarize(key: Key, image: Array, *, threshold: float = 0.5) -> Array:
    """1 - x from the threshold upwards (BYOL, arXiv:2006.07733, appendix B)."""
    return jnp.where(image >= threshold, 1 - image, image)


def posterize(key: Key, image: Array, *, bits: int = 4) -> Array:
    """Keep the upper 1..8 of the 8 bits of each value."""
    step = 2 ** (8 - bits)
    return (_bytes(image) // step * step).astype(image.dtype) / 255


def equalize(key: Key, image: Array) -> Array:
    """Pillow's ImageOps.equalize: each channel's histogram of 256 levels made flat."""
    flat = jax.vmap(_equalize)(_bytes(image).reshape(-1, image.shape[-2] * image.shape[-1]))
    return flat.reshape(image.shape).astype(image.dtype) / 255


def _equalize(levels: Array) -> Array:
    """int32 [n] in 0..255 -> the same, by the table (below + step // 2) // step of counts."""
    ordered = jnp.sort(levels)  # a sort and a search: no scatter, which is slow on a TPU
    below = jnp.searchsorted(ordered, jnp.arange(256), side="left")
    step = jnp.searchsorted(ordered, ordered[-1], side="left") // 255
    table = jnp.minimum((below + step // 2) // jnp.maximum(step, 1), 255)
    return jnp.where(step == 0, levels, table[levels])


def autocontrast(key: Key, image: Array) -> Array:
    """Each channel stretched to 0..1; a constant channel stays."""
    low, high = (extreme(image, (-2, -1), keepdims=True) for extreme in (jnp.min, jnp.max))
    return jnp.where(high > low, (image - low) / jnp.where(high > low, high - low, 1), image)


def rand_augment_color(key: Key, image: Array, *, count: int = 2, magnitude: int = 10) -> Array:
    """`count` operations out of `RAND_AUGMENT`, drawn with repetition, at a magnitude of 0..30 with a random sign.

    The magnitudes are torchvision's 31 bins. RandAugment's geometric operations are left out: geometry is the host's.
    """
    _needs_color(image, "rand_augment_color")
    for one in jax.random.split(key, count):
        image = randomly(image, *draw_operation(one), magnitude=magnitude)
    return image


def draw_operation(key: Key) -> tuple[Array, Array]:
    """The number of an operation of `RAND_AUGMENT`, and a sign -1. or 1."""
    which, sign = jax.random.split(key)
    return jax.random.randint(which, (), 0, len(RAND_AUGMENT)), 2.0 * jax.random.bernoulli(sign) - 1


def randomly(image: Array, chosen: Array, sign: Array, *, magnitude: int) -> Array:
    """Operation number `chosen` of `RAND_AUGMENT`, with its sign where it has one."""
    factor = 1 + sign * 0.03 * magnitude
    operations = (
        _same,
        lambda x: autocontrast(None, x),
        lambda x: equalize(None, x),
        lambda x: posterize(None, x, bits=8 - round(magnitude / 7.5)),
        lambda x: solarize(None, x, threshold=1 - magnitude / 30),
        lambda x: _blend(x, _gray(x)[None], factor),
        lambda x: _blend(x, _mean(_gray(x)), factor),
        lambda x: _clip(factor * x),
        lambda x: _blend(x, _smooth(x), factor),
    )
    return jax.lax.switch(chosen, operations, image)


def _smooth(image: Array) -> Array:
    """Pillow's SMOOTH: the 3x3 mean with a fivefold center; the border stays."""
    h, w = image.shape[-2:]
    parts = [image[..., y : h - 2 + y, x : w - 2 + x] for y in range(3) for x in range(3)]
    return image.at[..., 1:-1, 1:-1].set((sum(parts) + 4 * parts[4]) / 13)


def normalize(key: Key, image: Array, *, mean: tuple[float, ...], std: tuple[float, ...]) -> Array:
    """(image - mean) / std, per channel, in units of 0..1. Raises ValueError for another number of channels."""
    if not len(mean) == len(std) == len(image):
        raise ValueError(
            f"normalize has {len(mean)} means and {len(std)} stds for an image of {len(image)} channels: read "
            f"images with --config.data.channels={len(mean)}, or give mean and std a number for each channel, as "
            "--config.views.N.ops.M.args.mean and --config.views.N.ops.M.args.std"
        )
    shape = (-1,) + (1,) * (image.ndim - 1)
    return (image - jnp.array(mean, image.dtype).reshape(shape)) / jnp.array(std, image.dtype).reshape(shape)


def _blend(image: Array, other: Array, factor: Array) -> Array:
    return _clip(factor * image + (1 - factor) * other)


def _mean(planes: Array) -> Array:
    """[..., h, w] -> [..., 1, 1]."""
    return jnp.mean(planes, (-2, -1), keepdims=True)


def _gray(image: Array) -> Array:
    """[c, ...] -> [...]: the luma of three channels, the mean of any other number."""
    weights = LUMA if len(image) == 3 else (1 / len(image),) * len(image)
    return sum(w * plane for w, plane in zip(weights, image, strict=True))


def _same(image: Array) -> Array:
    return image


def _clip(x: Array) -> Array:
    return jnp.clip(x, 0, 1)


def _bytes(image: Array) -> Array:
    """0..1 -> the nearest of 0..255, int32."""
    return jnp.floor(image * 255 + 0.5).astype(jnp.int32)


def _needs_color(image: Array, what: str) -> None:
    if len(image) != 3:
        color = "read images as color with --config.data.channels=3, or " if len(image) in (1, 4) else ""
        raise ValueError(f"{what} needs 3 channels, and the image has {len(image)}: {color}take it out of the view")
