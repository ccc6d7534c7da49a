"""The host's half of the views: one decoded image -> the integer views of all groups."""

from collections.abc import Callable, Iterable

import numpy as np
import tensorflow as tf

from ssl_jax.types import Op, View
from ssl_jax.views import compose, geometric, photometric_host

PLACES = 64
"""Room for the operations of a view in the number of a stream."""


def host(views: Iterable[View], *, photometric: str = "device") -> Callable[[tf.Tensor, tf.Tensor], dict]:
    """(image [h, w, c] uint8 or uint16, seed int [2]) -> {group: [v, s, s, c] of the same dtype}, in graph.

    Views of the recipe stand in their order along axis 0. Each view and each operation draws from its own stream of
    the seed; a view's draws do not depend on the views after it.
    photometric: "host" also does the colours here, in float32 and rounded at the end, all but `normalise`.
    """
    plan = compose.runs(views)
    colours = compose.checked(photometric)

    def augment(image: tf.Tensor, seed: tf.Tensor) -> dict:
        groups: dict[str, list] = {}
        for run in plan:
            images = _geometry(image, seed, run)
            if colours:
                images = [_colour(each, seed, run, i) for i, each in enumerate(images)]
            groups.setdefault(run.group, []).extend(images)
        return {group: tf.stack(images) for group, images in groups.items()}

    return tf.autograph.experimental.do_not_convert(augment)


def alone(host: Callable, image: np.ndarray) -> dict[str, np.ndarray]:
    """`host` of one image outside of a pipeline, with the draws of seed (0, 0); clean views draw nothing."""
    return {group: views.numpy() for group, views in host(tf.constant(image), tf.zeros([2], tf.int64)).items()}


def trace(host: Callable, *, channels: int, dtype: str) -> None:
    """`host` as a graph, of an image [h, w, channels] of any size and of integers `dtype`; whatever it raises."""
    image, seed = tf.TensorSpec([None, None, channels], dtype), tf.TensorSpec([2], tf.int64)
    tf.function(host, autograph=False).get_concrete_function(image, seed)


def stream(seed: tf.Tensor, view: int, place: int) -> tf.Tensor:
    """The seed of an operation: int64 [2]. `place` counts from 0 among all operations of the view.

    Only bits above the 40th of the first number change, which a run's seed does not use.
    """
    number = (view * PLACES + place + 1) << 40
    return tf.bitwise.bitwise_xor(tf.cast(seed, tf.int64), tf.constant([number, 0], tf.int64))


def _geometry(image: tf.Tensor, seed: tf.Tensor, run: compose.Run) -> list[tf.Tensor]:
    images = [image] * run.count
    for place, op in enumerate(run.geometry):
        own = {"p": op.p} if op.name == "flip" else {}
        images = compose.GEOMETRIC[op.name](stream(seed, run.first, place), images, **op.args, **own)
    for each in images:
        if tuple(each.shape[:2]) != (run.size, run.size):
            names = ", ".join(op.name for op in run.geometry) or "no geometric operation"
            raise ValueError(
                f"views of group '{run.group}' have {run.size} pixels, and {names} makes {each.shape[0]} x "
                f"{each.shape[1]}; end with random_resized_crop, pad_crop, centre_crop or resize_exact of that size"
            )
    return images


def _colour(image: tf.Tensor, seed: tf.Tensor, run: compose.Run, number: int) -> tf.Tensor:
    """All colours but `normalise` of view `number` of the run, rounded to the dtype of the image."""
    dtype = image.dtype
    if image.shape[-1] is None:
        raise ValueError("photometric='host' needs to know the number of channels; give the decoder channels")
    floats = tf.cast(image, tf.float32) / dtype.max
    for place, op in enumerate(run.colour):
        p = run.p[number][place]
        if p > 0 and op.name != "normalise":
            own = stream(seed, run.first + number, len(run.geometry) + place)
            floats = _perhaps(op, own, floats, p)
    return geometric.rounded(floats * dtype.max, dtype)


def _perhaps(op: Op, seed: tf.Tensor, image: tf.Tensor, p: float) -> tf.Tensor:
    apply = getattr(photometric_host, op.name)
    if p == 1:
        return apply(seed, image, **op.args)
    chosen = geometric.uniform(seed + tf.constant([0, 1 << 40], tf.int64), []) < p
    return tf.cond(chosen, lambda: apply(seed, image, **op.args), lambda: image)
