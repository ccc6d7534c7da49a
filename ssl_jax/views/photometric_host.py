"""`photometric.py` in tensorflow, for recipes that do colors on the host: same names, parameters and formulas.

An operation is `op(seed, image [h, w, c] float32 in 0..1, **args) -> image`, in graph functions, with a seed [2].
Given what was drawn, each agrees with its twin on the device; how far is said in tests/views. `normalize` has no twin:
integers go to the device, which always does it.
"""

from typing import NamedTuple

import tensorflow as tf

from ssl_jax.views import color_spaces
from ssl_jax.views.geometric import uniform

LUMA = (0.299, 0.587, 0.114)
OPERATIONS = 9
"""How many operations `randomly` has."""


class Jitter(NamedTuple):
    """What a color jitter drew; the fields are those of photometric.Jitter."""

    brightness: tf.Tensor
    shift: tf.Tensor
    contrast: tf.Tensor
    saturation: tf.Tensor
    hue: tf.Tensor
    order: tf.Tensor


def draw_jitter(
    seed: tf.Tensor, *, brightness: float, contrast: float, saturation: float, hue: float, additive: bool = False
) -> Jitter:
    """Factors from U(max(0, 1 - a), 1 + a), the hue from U(-hue, hue), the order from all 24 alike."""
    amounts = (0.0 if additive else brightness, brightness if additive else 0.0, contrast, saturation, hue)
    center = (1.0, 0.0, 1.0, 1.0, 0.0)
    lowest = (0.0, -brightness, 0.0, 0.0, -hue)
    low = [max(c - a, bound) for c, a, bound in zip(center, amounts, lowest, strict=True)]
    width = [c + a - bottom for c, a, bottom in zip(center, amounts, low, strict=True)]
    draws = uniform(seed, [9])
    return Jitter(*tf.unstack(draws[:5] * width + low), order=tf.argsort(draws[5:]))


def jitter(image: tf.Tensor, drawn: Jitter) -> tf.Tensor:
    """Brightness, contrast, saturation and hue in the drawn order, clipped to 0..1 after each."""

    def brightness():
        return _clip(drawn.brightness * image + drawn.shift)

    def contrast():
        return _blend(image, _mean_gray(image), drawn.contrast)

    def saturation():
        return _blend(image, _gray(image), drawn.saturation)

    def hue():
        return turn(image, drawn.hue)

    colored = (saturation, hue) if image.shape[-1] == 3 else (lambda: image, lambda: image)
    for place in range(4):
        image = tf.switch_case(drawn.order[place], (brightness, contrast, *colored))
    return image


def turn(image: tf.Tensor, hue: tf.Tensor) -> tf.Tensor:
    """The hue of HSV turned, by tensorflow's own kernel."""
    return tf.raw_ops.AdjustHue(images=image, delta=hue)


def color_jitter(
    seed: tf.Tensor,
    image: tf.Tensor,
    *,
    brightness: float = 0.0,
    contrast: float = 0.0,
    saturation: float = 0.0,
    hue: float = 0.0,
    additive: bool = False,
) -> tf.Tensor:
    """`jitter` with the parameters of `draw_jitter`."""
    if saturation or hue:
        _needs_color(image, "color_jitter with saturation or hue")
    amounts = dict(brightness=brightness, contrast=contrast, saturation=saturation, hue=hue)
    return jitter(image, draw_jitter(seed, **amounts, additive=additive))


def grayscale(seed: tf.Tensor, image: tf.Tensor) -> tf.Tensor:
    """The luma in all three channels."""
    _needs_color(image, "grayscale")
    return tf.broadcast_to(_gray(image), tf.shape(image))


def lab(seed: tf.Tensor, image: tf.Tensor) -> tf.Tensor:
    """L, a and b in 0..1, see `color_spaces.lab`."""
    _needs_color(image, "lab")
    return tf.stack(color_spaces.lab(tf.unstack(image, axis=-1), tf.where), -1)


def gaussian_blur(
    seed: tf.Tensor, image: tf.Tensor, *, kernel_size: int, sigma: tuple[float, float] = (0.1, 2.0)
) -> tf.Tensor:
    """`blur` with a sigma from U(*sigma)."""
    return blur(image, draw_sigma(seed, sigma=sigma), kernel_size=kernel_size)


def draw_sigma(seed: tf.Tensor, *, sigma: tuple[float, float]) -> tf.Tensor:
    """A scalar from U(*sigma)."""
    return sigma[0] + (sigma[1] - sigma[0]) * uniform(seed, [])


def blur(image: tf.Tensor, sigma: tf.Tensor, *, kernel_size: int) -> tf.Tensor:
    """A Gaussian cut off at kernel_size taps with reflected borders, as two convolutions of one side each."""
    radius = kernel_size // 2
    sides = [side for side in image.shape[:2] if side is not None]
    if kernel_size % 2 == 0 or any(radius >= side for side in sides):
        raise ValueError(
            f"a blur of {kernel_size} taps on {min(sides)} pixels: give an odd number below {2 * min(sides)}"
        )
    taps = tf.exp(-0.5 * (tf.range(-radius, radius + 1, dtype=tf.float32) / sigma) ** 2)
    taps = tf.tile((taps / tf.reduce_sum(taps))[:, None], [1, image.shape[-1]])
    padded = tf.pad(image, [[radius, radius], [radius, radius], [0, 0]], "reflect")[None]
    rows = tf.nn.depthwise_conv2d(padded, taps[:, None, :, None], [1, 1, 1, 1], "VALID")
    return tf.nn.depthwise_conv2d(rows, taps[None, :, :, None], [1, 1, 1, 1], "VALID")[0]


def solarize(seed: tf.Tensor, image: tf.Tensor, *, threshold: float = 0.5) -> tf.Tensor:
    """1 - x from the threshold upwards."""
    return tf.where(image >= threshold, 1 - image, image)


def posterize(seed: tf.Tensor, image: tf.Tensor, *, bits: int = 4) -> tf.Tensor:
    """Keep the upper 1..8 of the 8 bits of each value."""
    step = 2 ** (8 - bits)
    return tf.cast(_bytes(image) // step * step, tf.float32) / 255


def equalize(seed: tf.Tensor, image: tf.Tensor) -> tf.Tensor:
    """Pillow's ImageOps.equalize: each channel's histogram of 256 levels made flat."""
    levels = _bytes(image)
    return tf.stack([_equalize(channel) for channel in tf.unstack(levels, axis=-1)], -1) / 255


def _equalize(levels: tf.Tensor) -> tf.Tensor:
    below = tf.cumsum(tf.math.bincount(tf.reshape(levels, [-1]), minlength=256, maxlength=256), exclusive=True)
    step = below[tf.reduce_max(levels)] // 255
    table = tf.minimum((below + step // 2) // tf.maximum(step, 1), 255)
    return tf.cast(tf.where(step == 0, levels, tf.gather(table, levels)), tf.float32)


def autocontrast(seed: tf.Tensor, image: tf.Tensor) -> tf.Tensor:
    """Each channel stretched to 0..1; a constant channel stays."""
    low, high = tf.reduce_min(image, (0, 1), keepdims=True), tf.reduce_max(image, (0, 1), keepdims=True)
    return tf.where(high > low, (image - low) / tf.where(high > low, high - low, 1), image)


def rand_augment_color(seed: tf.Tensor, image: tf.Tensor, *, count: int = 2, magnitude: int = 10) -> tf.Tensor:
    """`count` operations drawn with repetition, at a magnitude of 0..30 with a random sign."""
    _needs_color(image, "rand_augment_color")
    draws = uniform(seed, [count, 2])
    chosen = tf.cast(draws[:, 0] * OPERATIONS, tf.int32)
    signs = tf.where(draws[:, 1] < 0.5, 1.0, -1.0)
    for i in range(count):
        image = randomly(image, chosen[i], signs[i], magnitude=magnitude)
    return image


def randomly(image: tf.Tensor, chosen: tf.Tensor, sign: tf.Tensor, *, magnitude: int) -> tf.Tensor:
    """Operation number `chosen` of photometric.RAND_AUGMENT, with its sign where it has one."""
    factor = 1 + sign * 0.03 * magnitude
    operations = (
        lambda: image,
        lambda: autocontrast(None, image),
        lambda: equalize(None, image),
        lambda: posterize(None, image, bits=8 - round(magnitude / 7.5)),
        lambda: solarize(None, image, threshold=1 - magnitude / 30),
        lambda: _blend(image, _gray(image), factor),
        lambda: _blend(image, _mean_gray(image), factor),
        lambda: _clip(factor * image),
        lambda: _blend(image, _smooth(image), factor),
    )
    return tf.switch_case(chosen, operations)


def _smooth(image: tf.Tensor) -> tf.Tensor:
    """Pillow's SMOOTH: the 3x3 mean with a fivefold center; the border stays."""
    kernel = tf.tile(tf.constant([[1, 1, 1], [1, 5, 1], [1, 1, 1]], tf.float32)[..., None, None] / 13, [1, 1, 3, 1])
    inner = tf.nn.depthwise_conv2d(image[None], kernel, [1, 1, 1, 1], "VALID")[0]
    inside = tf.pad(tf.ones(tf.shape(inner)[:2], tf.bool), [[1, 1], [1, 1]])[..., None]
    return tf.where(inside, tf.pad(inner, [[1, 1], [1, 1], [0, 0]]), image)


def _blend(image: tf.Tensor, other: tf.Tensor, factor: tf.Tensor) -> tf.Tensor:
    return _clip(factor * image + (1 - factor) * other)


def _weights(channels: int) -> tf.Tensor:
    return tf.constant(LUMA if channels == 3 else (1 / channels,) * channels)[:, None]


def _gray(image: tf.Tensor) -> tf.Tensor:
    """[h, w, c] -> [h, w, 1]: the luma of three channels, the mean of any other number."""
    h, w, c = image.shape
    return tf.reshape(tf.reshape(image, [-1, c]) @ _weights(c), [h, w, 1])


def _mean_gray(image: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(tf.reduce_mean(image, (0, 1)) * _weights(image.shape[-1])[:, 0])


def _clip(x: tf.Tensor) -> tf.Tensor:
    return tf.clip_by_value(x, 0, 1)


def _bytes(image: tf.Tensor) -> tf.Tensor:
    return tf.cast(image * 255 + 0.5, tf.int32)


def _needs_color(image: tf.Tensor, what: str) -> None:
    if image.shape[-1] != 3:
        color = "read images as color with --config.data.channels=3, or " if image.shape[-1] in (1, 4) else ""
        raise ValueError(
            f"{what} needs 3 channels, and the image has {image.shape[-1]}: {color}take it out of the view"
        )
