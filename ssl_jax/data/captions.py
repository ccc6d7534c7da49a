"""The captions of a source, and the pieces that are learned from them."""

from collections.abc import Iterable, Iterator

import numpy as np
import tensorflow as tf

from ssl_jax.data.source import Source, read_raw, read_rows
from ssl_jax.views import texts

MOST = 1_000_000
"""Captions that are learned from; of more of them as many, evenly spread."""
CHUNK = 1024


def learned(sizes: Iterable[int], source: Source) -> dict[int, str]:
    """{size of a vocabulary: its merges}, from the captions of a source, all alternatives of each.

    Raises ValueError where it has no captions.
    """
    if sizes and "text" not in source.parts:
        raise ValueError(f"{source.name} has no captions; an example of it has {', '.join(source.parts)}")
    return {size: texts.learned(_captions(source), size) for size in sizes}


def _captions(source: Source) -> Iterator[str]:
    """All alternatives of the captions; where one call reads many, images are not read."""

    def read(index: tf.Tensor) -> tf.Tensor:
        if source.gather is not None:
            return read_raw(source, *read_rows(source, index))[0]["text"]
        return tf.map_fn(lambda one: read_raw(source, one)[0]["text"], index, fn_output_signature=tf.string)

    traced = tf.function(read, autograph=False, reduce_retracing=True)
    numbers = np.unique(np.linspace(0, source.size - 1, min(MOST, source.size)).astype(np.int64))
    for start in range(0, len(numbers), CHUNK):
        for text in traced(tf.constant(numbers[start : start + CHUNK])).numpy():
            yield from texts.lines(text.decode(errors="replace"))
