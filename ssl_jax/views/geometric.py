"""Decoding, crops, flips and sizes on the host: tensorflow graph functions for tf.data, integers in and integers out.

An operation is `op(seed, images, **args) -> images`: a list with one tensor [h, w, c] (uint8 or uint16, any c) for each
draw, often the same decoded tensor many times, so that what the draws share is computed once. `seed` is an integer
tensor [2]; draw number i of an operation depends on the seed and on i alone. `compose_host.py` gives every operation
its own seed. Small images are the hard case for speed: an operation's cost is the number of its tensorflow nodes.
"""

import math

import numpy as np
import tensorflow as tf

from ssl_jax.checks import spelling
from ssl_jax.views import decoding

KERNELS = {"bilinear": "triangle", "bicubic": "keyscubic"}
"""Methods of resizing, and what ScaleAndTranslate calls them; Keys' cubic with a = -0.5, as Pillow's."""
PHILOX = 1
TRIES = 10
GRID = 256


def decode(data: tf.Tensor, *, channels: int = 3, dtype: tf.DType = tf.uint8) -> tuple[tf.Tensor, tf.Tensor]:
    """Bytes of a JPEG, PNG, WebP, BMP or GIF -> (upright image [h, w, c], ok); damage gives ok = False.

    A truncated file is damaged, a PNG named .jpg is not, and bytes changed inside a JPEG's picture cannot be noticed.
    A damaged image is a black pixel. To catch the error costs about 0.2 ms: where something else catches it
    (`Dataset.ignore_errors` around many images), use `decode_trusted`.
    channels: 1, 3, 4, or 0 for those of the file. dtype: uint8 or uint16; 8-bit files are scaled up to 16 bits.
    """

    def attempt(data):
        return tf.ensure_shape(decode_trusted(data, channels=channels, dtype=dtype), [None, None, channels or None])

    black = tf.data.Dataset.from_tensors((tf.zeros([1, 1, channels or 1], dtype), False))
    tried = tf.data.Dataset.from_tensors(data).map(lambda data: (attempt(data), True)).ignore_errors()
    if not channels:
        black = black.map(lambda image, ok: (tf.ensure_shape(tf.identity(image), [None, None, None]), ok))
    return tried.concatenate(black).take(1).get_single_element()


def decode_trusted(
    data: tf.Tensor,
    *,
    channels: int = 3,
    dtype: tf.DType = tf.uint8,
    exact: bool = False,
    plain: bool = False,
    reading: decoding.Reading | None = None,
) -> tf.Tensor:
    """`decode` without a net: image [h, w, c], and an error of the graph at damage. The rest as in `decoding.py`."""
    return decoding.decoded(data, channels=channels, dtype=dtype, exact=exact, plain=plain, reading=reading)


def random_resized_crop(
    seed: tf.Tensor,
    images: list[tf.Tensor],
    *,
    size: int,
    scale: tuple[float, float] = (0.08, 1.0),
    ratio: tuple[float, float] = (3 / 4, 4 / 3),
    method: str = "bilinear",
    antialias_above: float = 2.0,
) -> list[tf.Tensor]:
    """A box of area U(*scale) of the image and width / height log-uniform in `ratio`, resized to size x size.

    The box has torchvision's law: the first of ten draws that fits, else the largest centered box within `ratio`.
    antialias_above: shrinking by more than this is filtered as Pillow filters; 1 filters all shrinking, as torchvision
    does, at about four times the cost; tensorflow's SimCLR and BYOL never filter. From 2 on, bilinear crops that shrink
    by up to twice as much are halved first, which is as near to Pillow as plain interpolation is below 2.
    """
    _known(method)
    if not (0 < scale[0] <= scale[1] and 0 < ratio[0] <= ratio[1]):
        raise ValueError(f"random_resized_crop: scale {scale} and ratio {ratio} must be two rising positive numbers")
    drawn = boxes(seed, images, scale=scale, ratio=ratio)
    crops = [tf.slice(image, *box) for image, box in zip(images, drawn, strict=True)]
    for crop, image in zip(crops, images, strict=True):
        crop.set_shape([None, None, image.shape[-1]])
    bounds = [image.shape[:2] for image in images]
    return _resized(crops, size, method, antialias_above, bounds)


def pad_crop(
    seed: tf.Tensor, images: list[tf.Tensor], *, size: int, padding: int = 4, mode: str = "constant"
) -> list[tf.Tensor]:
    """Zeros (or a reflection, mode "reflect") on all sides, then a box of size x size anywhere."""
    if mode not in ("constant", "reflect"):
        raise ValueError(f"pad_crop: mode '{mode}' is neither constant nor reflect")
    widths = [[padding, padding], [padding, padding], [0, 0]]
    images = _each(images, lambda image: tf.pad(image, widths, mode) if padding else image)
    fractions = tf.unstack(uniform(seed, [len(images), 2]))
    return [_box(image, size, fraction, "pad_crop") for image, fraction in zip(images, fractions, strict=True)]


def flip(seed: tf.Tensor, images: list[tf.Tensor], *, p: float, shared: bool = False) -> list[tf.Tensor]:
    """Left becomes right with probability p; shared: in all views of one draw or in none (AMDIM)."""
    if p == 0:
        return images
    flipped = tf.unstack(tf.cast(flips(seed, len(images), shared) < p, tf.int32) + 1)
    # reversing no axis hands the tensor through, so this needs no branch
    return [tf.reverse(image, tf.range(1, end)) for image, end in zip(images, flipped, strict=True)]


def flips(seed: tf.Tensor, count: int, shared: bool) -> tf.Tensor:
    """float32 [count] in [0, 1): what `flip` compares with its p; one number for all where it is shared."""
    return tf.tile(uniform(seed, [1]), [count]) if shared else uniform(seed, [count])


def resize(
    seed: tf.Tensor, images: list[tf.Tensor], *, size: int, method: str = "bilinear", antialias_above: float = 1.0
) -> list[tf.Tensor]:
    """The short side to `size`, the other in proportion, rounded down as torchvision does."""
    _known(method)

    def one(image):
        sides = tf.shape(image)[:2]
        to = sides * size // tf.reduce_min(sides)
        return _resized([image], to, method, antialias_above, [image.shape[:2]])[0]

    return _each(images, one)


def resize_exact(
    seed: tf.Tensor, images: list[tf.Tensor], *, size: int, method: str = "bilinear", antialias_above: float = 1.0
) -> list[tf.Tensor]:
    """Both sides to `size`, whatever the proportions."""
    _known(method)
    return _each(images, lambda image: _resized([image], size, method, antialias_above, [image.shape[:2]])[0])


def center_crop(seed: tf.Tensor, images: list[tf.Tensor], *, size: int) -> list[tf.Tensor]:
    """The middle size x size pixels; of an odd rest the larger half goes where torchvision puts it."""

    def one(image):
        rest = _room(image, size, "center_crop")
        start = tf.cast(tf.round(tf.cast(rest, tf.float32) / 2), tf.int32)  # half to even, as Python's round
        return _cut(image, start, size)

    return _each(images, one)


def uniform(seed: tf.Tensor, shape: list[int]) -> tf.Tensor:
    """float32 in [0, 1): tf.random.stateless_uniform in two nodes. Row i stays the same when rows are added."""
    key, counter = tf.raw_ops.StatelessRandomGetKeyCounter(seed=seed)
    return tf.raw_ops.StatelessRandomUniformV2(shape=shape, key=key, counter=counter, alg=PHILOX)


def boxes(seed: tf.Tensor, pictures: list, *, scale: tuple, ratio: tuple) -> list[tuple[tf.Tensor, tf.Tensor]]:
    """(begin [3], size [3]) of the box of `random_resized_crop` in each picture, all draws at once."""
    n = len(pictures)
    if all(None not in image.shape[:2] and image.shape[:2] == pictures[0].shape[:2] for image in pictures):
        h, w = pictures[0].shape[:2]
        sides = tf.constant([[h, w]], tf.float32)
        likely = _fitting(h, w, scale, ratio)
        draws = uniform(seed, [n, 3])
        size = tf.gather(tf.constant(likely, tf.float32), tf.cast(draws[:, 0] * len(likely), tf.int32))
        fraction = draws[:, 1:]
    else:
        sides = _sides(pictures)
        size, fraction = _first_fitting(uniform(seed, [n, 4, TRIES]), sides, scale, ratio)
    begin = tf.floor(fraction * (sides - size + 1))
    rows = tf.cast(tf.concat([begin, tf.zeros([n, 1]), size, -tf.ones([n, 1])], 1), tf.int32)
    rows = tf.unstack(tf.reshape(rows, [2 * n, 3]))
    return list(zip(rows[::2], rows[1::2], strict=True))


def _first_fitting(draws: tf.Tensor, sides: tf.Tensor, scale: tuple, ratio: tuple) -> tuple[tf.Tensor, tf.Tensor]:
    """(sizes [n, 2], where in the room there is [n, 2]): the first of the draws [n, 4, TRIES] that fits the image."""
    low, high = math.log(ratio[0]) / 2, math.log(ratio[1]) / 2
    area = draws[:, :1] * (scale[1] - scale[0]) + scale[0]
    aspect = draws[:, 1:2] * (high - low) + low
    tries = tf.sqrt(area * tf.reduce_prod(sides, 1)[:, None, None]) * tf.exp(aspect * tf.constant([[-1.0], [1.0]]))
    fits = tf.reduce_all(tries < (sides + 0.499)[:, :, None], 1)  # [n, TRIES]
    first = tf.argmax(tf.cast(fits, tf.int8), 1, tf.int32)
    chosen = tf.gather(tf.concat([tries, draws[:, 2:]], 1), first, axis=2, batch_dims=1)  # [n, 4]
    largest = tf.minimum(sides, tf.reverse(sides, [1]) * [1 / ratio[0], ratio[1]])
    found = tf.reduce_any(fits, 1, keepdims=True)
    size = tf.maximum(tf.round(tf.where(found, chosen[:, :2], largest)), 1)
    return size, tf.where(found, chosen[:, 2:], 0.499999)  # floor(0.499999 (rest + 1)) is rest // 2, the center


def _fitting(h: int, w: int, scale: tuple, ratio: tuple) -> np.ndarray:
    """int [k, 2], heights and widths of boxes in an h x w image, all equally likely.

    The law of the first draw that fits is that of one draw given that it fits: here it is a fine grid of areas and
    aspects without those that do not fit. A table costs a third of the tensorflow nodes of ten tries.
    """
    grid = (np.arange(GRID) + 0.5) / GRID
    side = np.sqrt(h * w * (scale[0] + (scale[1] - scale[0]) * grid))[:, None]
    aspect = np.exp((math.log(ratio[0]) + (math.log(ratio[1]) - math.log(ratio[0])) * grid) / 2)
    sizes = np.round(np.stack([side / aspect, side * aspect], -1).reshape(-1, 2))
    sizes = sizes[(sizes <= [h, w]).all(1)]
    if len(sizes) == 0:
        sizes = np.round([[min(h, w / ratio[0]), min(w, h * ratio[1])]])
    return np.maximum(sizes, 1).astype(np.int64)


def _sides(images: list[tf.Tensor]) -> tf.Tensor:
    """Heights and widths, float32 [n, 2]; the shape of a tensor that comes many times is taken once."""
    shapes = {id(image): tf.shape(image)[:2] for image in images}
    return tf.cast(tf.stack([shapes[id(image)] for image in images]), tf.float32)


def _each(images: list[tf.Tensor], one) -> list[tf.Tensor]:
    """`one` of each image, once for images that are the same tensor."""
    done = {id(image): image for image in images}
    done = {number: one(image) for number, image in done.items()}
    return [done[id(image)] for image in images]


def _resized(crops: list, size, method: str, antialias_above: float, bounds: list) -> list[tf.Tensor]:
    """Crops of any sizes -> the given size (an int, or a tensor of two), rounded to the dtype of the crops.

    bounds: for each crop the static [h, w] that it does not exceed, as far as it is known.
    """
    dtype = crops[0].dtype
    if isinstance(size, int):
        pairs = zip(crops, bounds, strict=True)
        floats = [_one_size(crop, [size, size], method, antialias_above, bound) for crop, bound in pairs]
    else:
        floats = [_filtered(crop, size, method) for crop in crops]
    return [tf.squeeze(rounded(each, dtype), 0) for each in floats]


def rounded(floats: tf.Tensor, dtype: tf.DType) -> tf.Tensor:
    """The nearest integers, halves upwards, within 0 and the maximum of `dtype`, uint8 or uint16; in one pass."""
    kind = tf.quint8 if dtype == tf.uint8 else tf.quint16
    integers = tf.raw_ops.QuantizeV2(
        input=floats, min_range=0.0, max_range=dtype.max, T=kind, mode="SCALED", round_mode="HALF_AWAY_FROM_ZERO"
    )
    return tf.bitcast(integers.output, dtype)


def _one_size(crop: tf.Tensor, to: list[int], method: str, antialias_above: float, bound: list) -> tf.Tensor:
    """[1, *to, c] float32: filtered where the crop shrinks by more than `antialias_above`, else interpolated."""
    limit = [antialias_above * side for side in to]
    if None not in bound and bound[0] <= limit[0] and bound[1] <= limit[1]:
        return _interpolated(crop, to, method)
    shrinking = tf.reduce_max(tf.cast(tf.shape(crop)[:2], tf.float32) / limit)
    filtered = lambda: _filtered(crop, to, method)  # noqa: E731
    if method == "bilinear" and antialias_above >= 2:
        halved = lambda: _interpolated(_interpolated(crop, tf.shape(crop)[:2] // 2, method)[0], to, method)  # noqa: E731
        above = lambda: tf.cond(shrinking > 2, filtered, halved)  # noqa: E731
    else:
        above = filtered
    return tf.cond(shrinking > 1, above, lambda: _interpolated(crop, to, method))


def _interpolated(crop: tf.Tensor, to, method: str) -> tf.Tensor:
    op = tf.raw_ops.ResizeBilinear if method == "bilinear" else tf.raw_ops.ResizeBicubic
    return op(images=crop[None], size=to, half_pixel_centers=True)


def _filtered(crop: tf.Tensor, to, method: str) -> tf.Tensor:
    scale = tf.cast(to, tf.float32) / tf.cast(tf.shape(crop)[:2], tf.float32)
    return tf.raw_ops.ScaleAndTranslate(
        images=crop[None], size=to, scale=scale, translation=[0.0, 0.0], kernel_type=KERNELS[method], antialias=True
    )


def _box(image: tf.Tensor, size: int, fraction: tf.Tensor, what: str) -> tf.Tensor:
    """size x size pixels at `fraction` [2] in [0, 1) of the room there is."""
    rest = tf.cast(_room(image, size, what), tf.float32)
    return _cut(image, tf.cast(tf.floor(fraction * (rest + 1)), tf.int32), size)


def _cut(image: tf.Tensor, start: tf.Tensor, size: int) -> tf.Tensor:
    cut = tf.slice(image, tf.concat([start, [0]], 0), [size, size, -1])
    cut.set_shape([size, size, image.shape[-1]])
    return cut


def _room(image: tf.Tensor, size: int, what: str) -> tf.Tensor:
    """int32 [2], how much larger than size x size the image is; an error in words where it is smaller."""
    text = f"{what} of {size} pixels is larger than the image; resize first, or take a smaller size"
    if any(side is not None and side < size for side in image.shape[:2]):
        raise ValueError(f"{text} (the image has {image.shape[0]} x {image.shape[1]})")
    rest = tf.shape(image)[:2] - size
    if None in image.shape[:2]:
        with tf.control_dependencies([tf.debugging.assert_non_negative(rest, text)]):
            rest = tf.identity(rest)
    return rest


def _known(method: str) -> None:
    if method not in KERNELS:
        raise ValueError(spelling.unknown(method, KERNELS, "the methods of resizing"))
