"""The host's half of the views: one example -> the views of all groups."""

import inspect
from collections.abc import Callable, Iterable

import numpy as np
import tensorflow as tf

from ssl_jax.checks import spelling
from ssl_jax.types import Op, View
from ssl_jax.views import compose, geometric, photometric_host, places

PLACE = "place"
"""What stands behind the name of a group for where its views lie."""
PLACES = 64
"""Room for the operations of a view in the number of a stream."""


def host(views: Iterable[View], *, photometric: str = "device") -> Callable[[tf.Tensor, tf.Tensor], dict]:
    """({part: an image [h, w, c] uint8 or uint16, others raw}, seed int [2]) -> {group: [v, ...]}, in graph.

    Views of images are [v, s, s, c], of the dtype of the image. A part that is no image comes as it was read, so that
    its first operation decodes no more of it than its views show. With `places`, "GROUP/place" [v, 2, 3] too.
    Views of the recipe stand in their order along axis 0. Each view and each operation draws from its own stream of
    the seed; a view's draws do not depend on the views after it.
    photometric: "host" also does the colors here, in float32 and rounded at the end, all but `normalize`.
    """
    plan = compose.runs(views)
    colors = compose.checked(photometric)

    if colors and any(run.color and run.of != "image" for run in plan):
        raise ValueError("photometric='host' augments images alone; leave it at 'device' for views of other parts")

    def augment(example: dict[str, tf.Tensor], seed: tf.Tensor) -> dict:
        groups: dict[str, list] = {}
        for run in plan:
            if run.of not in example:
                raise ValueError(
                    f"views of group '{run.group}' show the part '{run.of}', and the data has {', '.join(example)}"
                )
            images, placed = _geometry(example[run.of], seed, run)
            if run.places:
                groups.setdefault(f"{run.group}/{PLACE}", []).extend(placed)
            if colors and run.of == "image":
                images = [_color(each, seed, run, i) for i, each in enumerate(images)]
            groups.setdefault(run.group, []).extend(images)
        return {group: _stacked(views) for group, views in groups.items()}

    return tf.autograph.experimental.do_not_convert(augment)


def _stacked(views: list[tf.Tensor]) -> tf.Tensor:
    """Views side by side on a new first axis."""
    # Of equal 16-bit tensors TensorFlow's optimizer makes a Tile, which has no kernel for them (TF 2.21).
    return tf.concat([view[None] for view in views], 0) if views[0].dtype == tf.uint16 else tf.stack(views)


def alone(host: Callable, raw: np.ndarray, *, part: str = "image") -> dict[str, np.ndarray]:
    """`host` of an example of one part outside of a pipeline, with the draws of seed (0, 0); clean views have none.

    Raises ValueError where no view can be made of it.
    """
    try:
        made = host({part: tf.constant(raw)}, tf.zeros([2], tf.int64))
    except tf.errors.InvalidArgumentError as error:
        raise ValueError(f"no view can be made of one of them: {spelling.one_line(error)}") from error
    return {group: views.numpy() for group, views in made.items()}


def specs(host: Callable, example: dict[str, tf.TensorSpec]) -> dict[str, tf.TensorSpec]:
    """What `host` makes of an example of these specs, as a graph.

    Raises whatever it raises, and ValueError where views have no fixed shape.
    """
    traced = tf.function(host, autograph=False).get_concrete_function(example, tf.TensorSpec([2], tf.int64))
    made = {group: tf.TensorSpec(view.shape, view.dtype) for group, view in traced.structured_outputs.items()}
    for group, view in made.items():
        if not view.shape.is_fully_defined():
            raise ValueError(f"views of group '{group}' have the shape {view.shape}, which is not fixed")
    return made


def stream(seed: tf.Tensor, view: int, place: int) -> tf.Tensor:
    """The seed of an operation: int64 [2]. `place` counts from 0 among all operations of the view.

    Only bits above the 40th of the first number change, which a run's seed does not use.
    """
    number = (view * PLACES + place + 1) << 40
    return tf.bitwise.bitwise_xor(tf.cast(seed, tf.int64), tf.constant([number, 0], tf.int64))


def _geometry(raw: tf.Tensor, seed: tf.Tensor, run: compose.Run) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
    """The views of a run, and where they lie if that is asked for."""
    views, known, placed = [raw] * run.count, compose.KINDS[run.of].host, [tf.constant(places.SAME)] * run.count
    for place, op in enumerate(run.geometry):
        parameters = inspect.signature(known[op.name]).parameters
        defaults = {name: p.default for name, p in parameters.items() if p.default is not p.empty}
        options = {**defaults, **op.args, **({"p": op.p} if "p" in parameters else {})}
        own = stream(seed, run.stream, place)
        if run.places:
            maps = getattr(places, op.name)(own, views, **options)
            placed = [places.after(first, second) for first, second in zip(placed, maps, strict=True)]
        views = known[op.name](own, views, **options)
    wanted = compose.extent(run.size, run.of)
    for each in views:
        if each.shape.rank is None or tuple(each.shape[: len(wanted)]) != wanted:
            names = ", ".join(op.name for op in run.geometry) or "no geometric operation"
            what = {"image": f"{run.size} pixels"}.get(run.of, f"the size {run.size}")
            last = "random_resized_crop, pad_crop, center_crop or resize_exact" if run.of == "image" else "an operation"
            raise ValueError(
                f"views of group '{run.group}' have {what}, and {names} makes {' x '.join(map(str, each.shape[:-1]))}; "
                f"end with {last} of that size"
            )
    return views, placed


def _color(image: tf.Tensor, seed: tf.Tensor, run: compose.Run, number: int) -> tf.Tensor:
    """All colors but `normalize` of view `number` of the run, rounded to the dtype of the image."""
    dtype = image.dtype
    if image.shape[-1] is None:
        raise ValueError("photometric='host' needs to know the number of channels; give the decoder channels")
    floats = tf.cast(image, tf.float32) / dtype.max
    for place, op in enumerate(run.color):
        p = run.p[number][place]
        if p > 0 and op.name != "normalize":
            own = stream(seed, run.first + number, len(run.geometry) + place)
            floats = _perhaps(op, own, floats, p)
    return geometric.rounded(floats * dtype.max, dtype)


def _perhaps(op: Op, seed: tf.Tensor, image: tf.Tensor, p: float) -> tf.Tensor:
    if op.name in compose.CORRUPTIONS:
        raise ValueError(f"{op.name} is work of the device: photometric='host' has no such operation")
    apply = getattr(photometric_host, op.name)
    if p == 1:
        return apply(seed, image, **op.args)
    chosen = geometric.uniform(seed + tf.constant([0, 1 << 40], tf.int64), []) < p
    return tf.cond(chosen, lambda: apply(seed, image, **op.args), lambda: image)
