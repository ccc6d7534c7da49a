"""Moving Fashion-MNIST: each image of `embedded:fashion_mnist` drifts over a canvas without borders.

A clip is computed from its index: image i, in the direction (i // 10) % 8, so that each class meets each direction
equally often, from a place and at a speed that are drawn for the index alone. What leaves at one side comes in at the
other: the place is uniform at every moment, so that no single frame tells anything of the motion.
"""

import tensorflow as tf

from ssl_jax.checks import spelling
from ssl_jax.data import embedded_source
from ssl_jax.data.parts import Clip
from ssl_jax.data.source import Source, digest
from ssl_jax.views.geometric import uniform

NAME = "moving_fashion_mnist"
SIDE, FRAMES = 48, 16
DIRECTIONS = {
    "right": (0, 1),
    "down and right": (1, 1),
    "down": (1, 0),
    "down and left": (1, -1),
    "left": (0, -1),
    "up and left": (-1, -1),
    "up": (-1, 0),
    "up and right": (-1, 1),
}
"""Rows and columns of one step."""
SPEEDS = (1, 2)
"""Steps a frame."""
LABELS = ("appearance", "motion")


def moving_fashion_mnist(text: str) -> Source:
    """`SPLIT` (train by default), with `?label=appearance`, the garment and the default, or `?label=motion`, its way.

    Clips are uint8 [16, 48, 48, 1]. ValueError for another split or label.
    """
    split, _, query = text.partition("?")
    key, _, label = query.partition("=") if query else ("label", "", LABELS[0])
    if key != "label" or label not in LABELS:
        wrong = spelling.unknown(label if key == "label" else key, LABELS, f"the labels of embedded:{NAME}")
        raise ValueError(f"{wrong}; write ?label=motion")
    still = embedded_source.embedded(f"fashion_mnist/{split or 'train'}")
    width = still.image.channels
    pixels = tf.constant(embedded_source.pixels("fashion_mnist", split or "train"))
    pad = SIDE - pixels.shape[1]
    draws = uniform(tf.constant([0x0D21F7, len(pixels)], tf.int64), [still.size, 3])
    places = tf.cast(draws[:, :2] * SIDE, tf.int32)
    speeds = tf.gather(tf.constant(SPEEDS), tf.cast(draws[:, 2] * len(SPEEDS), tf.int32))
    directions = tf.range(still.size) // len(still.classes) % len(DIRECTIONS)
    steps = tf.constant([*DIRECTIONS.values()])
    numbers = directions.numpy() if label == "motion" else still.labels
    targets = tf.constant(numbers)

    def read(index: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        canvas = tf.pad(pixels[index], [[0, pad], [0, pad], [0, 0]])
        step = steps[directions[index]] * speeds[index]
        corner = places[index] + tf.range(FRAMES)[:, None] * step  # [t, 2]
        rows, columns = ((tf.range(SIDE) - corner[:, axis, None]) % SIDE for axis in (0, 1))
        return tf.ensure_shape(tf.gather_nd(canvas, _grid(rows, columns)), [FRAMES, SIDE, SIDE, width]), targets[index]

    name = f"embedded:{NAME}/{split or 'train'}?label={label}"
    classes = still.classes if label == "appearance" else tuple(DIRECTIONS)
    return Source(
        name=name,
        size=still.size,
        parts={"clip": Clip(channels=width, encoded=False)},
        read=read,
        labels=numbers,
        classes=classes,
        digest=digest(still.digest, str((SIDE, FRAMES, SPEEDS)), *classes),
        describe=lambda index: f"{name}, example {index}",
    )


def _grid(rows: tf.Tensor, columns: tf.Tensor) -> tf.Tensor:
    """Rows [t, h] and columns [t, w] -> their pairs [t, h, w, 2]."""
    h, w = rows.shape[1], columns.shape[1]
    return tf.stack([tf.repeat(rows[:, :, None], w, 2), tf.repeat(columns[:, None], h, 1)], -1)
