"""Where in the source image a view lies: for each geometric operation, the affine map that it adds.

A function here has the name and takes the arguments of an operation of `geometric.py`, with the same seed and the
images that come into it, and gives a float32 [2, 3] for each: (x, y, 1) of a point of what comes out -> (x, y) of what
came in. Both are in units of the sides, 0..1 from left to right and from the top down, so that the middle of the first
pixel of s is 0.5 / s, and resizing changes nothing.
"""

import tensorflow as tf

from ssl_jax.views import geometric

SAME = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0))


def random_resized_crop(
    seed: tf.Tensor, images: list[tf.Tensor], *, scale: tuple[float, float], ratio: tuple[float, float], **rest
) -> list[tf.Tensor]:
    """The box."""
    boxes = geometric.boxes(seed, images, scale=scale, ratio=ratio)
    return [_box(begin[:2], size[:2], image) for (begin, size), image in zip(boxes, images, strict=True)]


def pad_crop(seed: tf.Tensor, images: list[tf.Tensor], *, size: int, padding: int = 4, **rest) -> list[tf.Tensor]:
    """The box, which may begin outside of the image."""
    fractions = tf.unstack(geometric.uniform(seed, [len(images), 2]))
    rooms = [tf.cast(tf.shape(image)[:2] + 2 * padding - size + 1, tf.float32) for image in images]
    begins = [tf.floor(fraction * room) - padding for fraction, room in zip(fractions, rooms, strict=True)]
    return [_box(begin, [size, size], image) for begin, image in zip(begins, images, strict=True)]


def center_crop(seed: tf.Tensor, images: list[tf.Tensor], *, size: int) -> list[tf.Tensor]:
    """The box in the middle."""
    begins = [tf.round(tf.cast(tf.shape(image)[:2] - size, tf.float32) / 2) for image in images]
    return [_box(begin, [size, size], image) for begin, image in zip(begins, images, strict=True)]


def flip(seed: tf.Tensor, images: list[tf.Tensor], *, p: float, shared: bool = False) -> list[tf.Tensor]:
    """Left is right where it was drawn."""
    drawn = tf.unstack(geometric.flips(seed, len(images), shared) < p)
    mirrored = tf.constant([[-1.0, 0.0, 1.0], SAME[1]])
    return [tf.where(each, mirrored, tf.constant(SAME)) for each in drawn]


def resize(seed: tf.Tensor, images: list[tf.Tensor], **rest) -> list[tf.Tensor]:
    """The whole."""
    return [tf.constant(SAME)] * len(images)


resize_exact = resize


def jigsaw(seed: tf.Tensor, images: list[tf.Tensor], **rest) -> list[tf.Tensor]:
    """None: the pieces lie in the first draw's picture, and places are told of each draw's own. Raises ValueError."""
    raise ValueError("the pieces of a jigsaw do not say where they lie; set places to False for this view")


def after(first: tf.Tensor, second: tf.Tensor) -> tf.Tensor:
    """The map of `second`, whose operation came later, followed by that of `first`."""
    return tf.concat([first[:, :2] @ second[:, :2], first[:, :2] @ second[:, 2:] + first[:, 2:]], 1)


def _box(begin: tf.Tensor, size: tf.Tensor | list[int], image: tf.Tensor) -> tf.Tensor:
    """begin, size: rows and columns."""
    sides = tf.cast(tf.shape(image)[:2], tf.float32)
    (top, left), (tall, wide) = (tf.unstack(tf.cast(each, tf.float32) / sides, 2) for each in (begin, size))
    zero = tf.zeros([])
    return tf.stack([tf.stack([wide, zero, left]), tf.stack([zero, tall, top])])
