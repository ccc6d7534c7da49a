"""Clips on the host: frames out of videos, then the geometry of `geometric.py` with one draw for all frames of a clip.

An operation is `op(seed, items, **args) -> items`, as in `geometric.py`, with one item a draw. Before `clip` an item is
a video: a string scalar, the path of a file or its bytes, or uint8 [t, h, w, c]; from there on uint8 [t, h, w, c].
"""

import functools
import inspect
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from ssl_jax.views import geometric, video

PLACES = ("random", "center")
"""Where a clip may lie in its video."""
SHORTER = "take fewer frames, a smaller stride or fewer seconds"
LONGEST = 4096
"""Bytes of a path, at most; what is longer, or has a zero in it, is the file itself."""


def clip(
    seed: tf.Tensor,
    items: list[tf.Tensor],
    *,
    frames: int,
    stride: int = 1,
    seconds: float = 0.0,
    place: str = "random",
    together: bool = False,
    short_side: int = 0,
) -> list[tf.Tensor]:
    """`frames` frames of each video, `stride` apart on the clock of its nominal rate, so that time is kept where the
    rate varies.

    seconds: what the clip spans, instead of a stride, whatever the rate of the video; its frames lie seconds / frames
    apart. place: "random" or "center". together: all draws begin at the same frame. short_side: larger frames of files
    are shrunk to it. Draws of one file are decoded together, and no frame that none of them shows (`video.py`).
    The graph fails, in one sentence, at a video that is too short, breaks off or cannot be read.
    """
    if place not in PLACES:
        raise ValueError(f"clip: place '{place}' is neither {' nor '.join(PLACES)}")
    steps = np.arange(frames)
    fractions = geometric.uniform(seed, [len(items)]) if place == "random" else tf.fill([len(items)], 0.5)
    fractions = tf.fill([len(items)], fractions[0]) if together else fractions
    made: dict[int, tf.Tensor] = {}
    for item in {id(item): item for item in items}.values():
        which = [i for i, other in enumerate(items) if other is item]
        starts = tf.gather(fractions, which)
        if item.dtype == tf.string:
            read = functools.partial(_read, steps=steps, stride=stride, seconds=seconds, short_side=short_side)
            clips = tf.numpy_function(read, [item, starts], tf.uint8)
            clips = tf.ensure_shape(clips, [len(which), frames, None, None, 3])
        elif seconds:
            raise ValueError("clip: arrays of frames have no clock, so seconds mean nothing; give a stride")
        else:
            clips = _gathered(item, starts, steps * stride)
        made |= dict(zip(which, tf.unstack(clips), strict=True))
    return [made[i] for i in range(len(items))]


def _gathered(frames: tf.Tensor, starts: tf.Tensor, steps: np.ndarray) -> tf.Tensor:
    """Frames [t, h, w, c] at fractions of the room that there is -> [n, k, h, w, c]."""
    there = tf.shape(frames)[0]
    room = there - int(steps[-1])
    text = f"a clip spans {steps[-1] + 1} frames, more than the video has; {SHORTER}"
    with tf.control_dependencies([tf.debugging.assert_positive(room, text)]):
        first = tf.cast(tf.floor(starts * tf.cast(room, tf.float32)), tf.int32)
    return tf.gather(frames, first[:, None] + tf.constant(steps, tf.int32))


def _read(
    data: bytes | np.ndarray, starts: np.ndarray, *, steps: np.ndarray, stride: int, seconds: float, short_side: int
) -> np.ndarray:
    """uint8 [n, k, h, w, 3], a clip for each start in 0..1."""
    with video.Video(as_file(data if isinstance(data, bytes) else data.item())) as opened:
        length = opened.length
        apart = seconds * length.rate / len(steps) if seconds else float(stride)
        offsets = np.floor(steps * apart + 1e-6).astype(int)
        room = length.frames - int(offsets[-1])
        if room < 1:
            span = offsets[-1] + 1
            raise ValueError(f"a clip spans {span} frames, and the video has {length.frames}; {SHORTER}")
        first = np.floor(starts * room).astype(int)
        wanted = (first[:, None] + offsets).reshape(-1).tolist()
        pixels = opened.frames(wanted, short_side=short_side).frames
    return pixels.reshape(len(starts), len(steps), *pixels.shape[1:])


def as_file(data: bytes) -> bytes | str:
    """The path that the bytes are, else the bytes. No container has its first kilobytes without a zero."""
    return data if len(data) > LONGEST or b"\0" in data else data.decode(errors="surrogateescape")


def _of_frames(operation: Callable) -> Callable:
    """An operation of `geometric.py` on clips: frames are channels, so that they share its draw."""

    @functools.wraps(operation)
    def on_clips(seed: tf.Tensor, items: list[tf.Tensor], **args) -> list[tf.Tensor]:
        _made(items, operation.__name__)
        flat = {id(item): _flat(item) for item in items}
        done = operation(seed, [flat[id(item)] for item in items], **args)
        back = {id(image): _unflat(image, item.shape) for image, item in zip(done, items, strict=True)}
        return [back[id(image)] for image in done]

    options = [p for name, p in inspect.signature(operation).parameters.items() if name not in ("seed", "images")]
    first = [inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in ("seed", "items")]
    on_clips.__signature__ = inspect.Signature([*first, *options])
    return on_clips


def _made(items: list[tf.Tensor], name: str) -> None:
    if any(item.shape.rank != 4 or None in (item.shape[0], item.shape[3]) for item in items):
        raise ValueError(f"{name} works on clips; let the operation clip, which makes them of videos, come first")


def _flat(clip: tf.Tensor) -> tf.Tensor:
    """[t, h, w, c] -> [h, w, t c]."""
    t, h, w, c = clip.shape
    turned = tf.transpose(clip, [1, 2, 0, 3])
    flat = tf.reshape(turned, [*_sides(turned), t * c])
    return tf.ensure_shape(flat, [h, w, t * c])


def _unflat(image: tf.Tensor, shape: tf.TensorShape) -> tf.Tensor:
    """[h, w, t c] -> [t, h, w, c]."""
    t, c = shape[0], shape[3]
    clip = tf.transpose(tf.reshape(image, [*_sides(image), t, c]), [2, 0, 1, 3])
    return tf.ensure_shape(clip, [t, *image.shape[:2], c])


def _sides(x: tf.Tensor) -> list:
    """Height and width, as numbers where they are known."""
    pairs = zip(x.shape[:2], tf.unstack(tf.shape(x)[:2]), strict=True)
    return [side if known is None else known for known, side in pairs]


random_resized_crop = _of_frames(geometric.random_resized_crop)
pad_crop = _of_frames(geometric.pad_crop)
flip = _of_frames(geometric.flip)
resize = _of_frames(geometric.resize)
resize_exact = _of_frames(geometric.resize_exact)
center_crop = _of_frames(geometric.center_crop)
