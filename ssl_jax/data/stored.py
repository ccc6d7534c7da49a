"""Sources of encoded images that a function of Python reads, many at a time."""

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from ssl_jax.data.parts import Image
from ssl_jax.data.source import Source


def stored(
    name: str,
    fetch: Callable[[np.ndarray], Sequence[bytes]],
    names: Callable[[Sequence[int]], list[str]],
    *,
    image: Image,
    labels: np.ndarray,
    identity: tuple[str, str],
    classes: tuple[str, ...] = (),
    targets: np.ndarray | None = None,
    multi_hot: np.ndarray | None = None,
    notices: Sequence[str] = (),
) -> Source:
    """A source whose images lie where `fetch` finds them.

    fetch: int64 [k] -> k images as they are stored, b"" for one that cannot be read. names: k indices -> what people
    call these. identity: the digest and the stamp. labels: int32 [n]. The rest is as in `Source`.
    """
    known = tf.constant(labels, tf.int32)

    def gather(rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        read = lambda rows: np.array(fetch(rows), object)  # noqa: E731
        found = tf.numpy_function(read, [rows], tf.string, stateful=False)
        return tf.ensure_shape(found, rows.shape), tf.gather(known, rows)

    return Source(
        name=name,
        size=len(labels),
        parts={"image": image},
        read=lambda row: tf.nest.map_structure(lambda x: x[0], gather(row[None])),
        labels=labels,
        classes=classes,
        digest=identity[0],
        describe=lambda index: names([int(index)])[0],
        gather=gather,
        names=names,
        stamp=identity[1],
        targets=targets,
        multi_hot=multi_hot,
        notices=tuple(notices),
    )
