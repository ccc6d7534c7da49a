"""A dataset as a record: `size` examples that can be read in any order."""

import hashlib
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from ssl_jax.data import encoded
from ssl_jax.data.parts import Image, Part
from ssl_jax.process.machine import cores

NAMED = 32
"""Records that are read at a time for their names: more of them take more memory, and no less time each."""
SEEK = 2000
"""Records that can be read in the time that it takes to begin to read at another place."""


NOUNS = {"image": "images", "clip": "videos", "points": "clouds of points", "series": "series"}
"""What examples of one part are called."""


class Source(NamedTuple):
    """A dataset with random access. The index of an example, 0..size-1, is its stable id.

    parts: what an example consists of, by name (`data/parts.py`)
    read: a pure tf graph function, int64 index -> (raw, int32 label); raw is the only part, or a dict of all of them;
        None where only `scan` is possible
    labels: int32 [size], -1 where there is none; None where labels are known only by reading the examples
    multi_hot: int8 [size, k] where an example can have several of the k `classes`: 1 it has the class, 0 it has not,
        -1 it does not count for the class; None where it has one, which `labels` says
    targets: float32 [size, k], numbers to be predicted, NaN where one is missing; None where there are none
    classes: the names of the labels, in order; empty where unknown
    digest: 16 hexadecimal digits that tell this data from other data; equal on every host, and for a copy of the data
    describe: index -> what a person calls this example: its path, or the name of the source and the index
    gather: int64 [k] -> (raw [k], int32 label [k]), for sources where one call for many is cheaper than `read`
    scan: (start, stop) -> tf.data.Dataset of (raw, label) in order, for sources that are too large to `read`
    names: int [k] -> their k descriptions, for sources where one call for many is cheaper than `describe`
    stamp: 16 hexadecimal digits that change with any one of the files, also where `digest` samples their contents, and
        with their times of modification; what resumes a file of ours compares it. "" means the digest
    notices: sentences about the data that a person should read: what was left out, how it is read, and why
    order: (int64 [k], seed) -> int64 [k], the examples at these places of the global order of training, for sources
        that are not drawn evenly; None for a permutation of all of them each epoch. A subset is drawn evenly
    """

    name: str
    size: int
    parts: dict[str, Part]
    read: Callable | None
    labels: np.ndarray | None
    classes: tuple[str, ...]
    digest: str
    describe: Callable
    gather: Callable | None = None
    scan: Callable | None = None
    names: Callable | None = None
    stamp: str = ""
    targets: np.ndarray | None = None
    multi_hot: np.ndarray | None = None
    notices: tuple[str, ...] = ()
    order: Callable | None = None

    @property
    def noun(self) -> str:
        """What sentences call its examples."""
        return NOUNS.get(next(iter(self.parts)), "examples") if len(self.parts) == 1 else "examples"

    @property
    def image(self) -> Image:
        """The picture of an example. Raises ValueError where it has none."""
        if "image" not in self.parts:
            raise ValueError(f"{self.name} has no images; an example of it has {', '.join(self.parts)}")
        return self.parts["image"]


def digest(*parts: str | bytes | memoryview) -> str:
    """16 hexadecimal digits of the parts, whose borders count."""
    state = hashlib.blake2b(digest_size=8)
    for part in parts:
        data = memoryview(part.encode() if isinstance(part, str) else part)
        state.update(data.nbytes.to_bytes(8, "little"))
        state.update(data)
    return state.hexdigest()


def subset(source: Source, indices: np.ndarray) -> Source:
    """The examples `indices` (int [m], repeats allowed) of a source, numbered anew from 0.

    ValueError where an index is out of range, or where the source has no random access.
    """
    indices = np.asarray(indices, np.int64).reshape(-1)
    if source.read is None:
        raise ValueError(f"{source.name} has no random access, so no subset of it can be taken")
    if indices.size and not 0 <= indices.min() <= indices.max() < source.size:
        wrong = indices[(indices < 0) | (indices >= source.size)][0]
        raise ValueError(f"index {wrong} is not in {source.name}, which has {source.size} examples")
    chosen = tf.constant(indices)
    return source._replace(
        name=f"{source.name} (subset of {indices.size})",
        size=int(indices.size),
        read=lambda index: source.read(chosen[index]),
        labels=None if source.labels is None else source.labels[indices],
        targets=None if source.targets is None else source.targets[indices],
        multi_hot=None if source.multi_hot is None else source.multi_hot[indices],
        digest=digest(source.digest, indices.tobytes()),
        stamp=source.stamp and digest(source.stamp, indices.tobytes()),
        describe=lambda index: source.describe(int(indices[index])),
        gather=source.gather and (lambda index: source.gather(tf.gather(chosen, index))),
        names=source.names and (lambda index: source.names(indices[np.asarray(index, np.int64)].tolist())),
        order=None,
    )


def labeled(source: Source) -> bool:
    """Whether examples have labels; where these are known only by reading, whether there are classes for them."""
    return bool(source.classes) if source.labels is None else bool(np.any(source.labels >= 0))


def described(source: Source, start: int, stop: int) -> list[str]:
    """What a person calls the examples start..stop-1."""
    if source.names is None:
        return [source.describe(index) for index in range(start, stop)]
    spans = [range(first, min(first + NAMED, stop)) for first in range(start, stop, NAMED)]
    return [name for span in spans for name in source.names(span)]


def read_rows(source: Source, index: tf.Tensor) -> tuple:
    """What `read_raw` needs for the examples `index` (int64 [k]): tensors with first axis k; a graph function."""
    return (index,) if source.gather is None else source.gather(index)


def row_of(rows: tuple, number: int) -> tuple:
    """One row of `read_rows`."""
    return tf.nest.map_structure(lambda part: part[number], tuple(rows))


def read_raw(source: Source, *row: tf.Tensor) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
    """One row of `read_rows`, the index alone or what was read, -> ({part: raw}, int32 label)."""
    raw, label = source.read(*row) if len(row) == 1 else row
    return (raw if isinstance(raw, dict) else dict.fromkeys(source.parts, raw)), label


def read_simple(source: Source, *rows: tf.Tensor, exact: bool = False) -> tuple[tf.Tensor, tuple]:
    """Which of `read_rows` can be read, int32 [j], and rows for `read_example` of these, simple. A graph function.

    What is to be looked at in Python is looked at for all rows together, which is what makes it cheap.
    """
    slots = tf.range(tf.shape(tf.nest.flatten(rows)[0])[0])
    if "image" not in source.parts or source.image.plain:
        return slots, rows
    if read_raw(source, *row_of(rows, 0))[0]["image"].dtype != tf.string:
        return slots, rows
    if len(rows) == 1:
        slots, rows = encoded.survivors(lambda *row: read_raw(source, *row), *rows)
    raw, label = rows
    raw = raw if isinstance(raw, dict) else {"image": raw}
    known = dict(channels=source.image.channels, bits=source.image.bits, reading=source.image.reading)
    return slots, ({**raw, "image": encoded.simple(raw["image"], **known, exact=exact)}, label)


def read_example(
    source: Source, *row: tf.Tensor, exact: bool = False, simple: bool = False
) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
    """One row of `read_rows` -> ({part: an image decoded, all others raw}, int32 label).

    The graph fails at a corrupt image. exact: JPEGs within one level of what Pillow makes of them, as everything but
    training reads them. simple: the row is one of `read_simple`.
    """
    raw, label = read_raw(source, *row)
    if "image" in raw and raw["image"].dtype == tf.string:
        channels, bits, shape, plain, reading = source.image
        known = dict(channels=channels, bits=bits, size=shape, plain=simple or plain, reading=reading)
        raw = {**raw, "image": encoded.decode(raw["image"], **known, exact=exact)}
    return raw, label


def read_image(source: Source, *row: tf.Tensor, exact: bool = False) -> tuple[tf.Tensor, tf.Tensor]:
    """The image of `read_example`, uint8 or uint16 [h, w, c], and the label."""
    example, label = read_example(source, *row, exact=exact)
    return example["image"], label


def images(source: Source, indices: np.ndarray) -> list[np.ndarray]:
    """The examples `indices` as they are stored, decoded: uint8 or uint16 [h, w, c] each, of their own size."""
    rows = [read_rows(source, tf.constant([index], tf.int64)) for index in indices]
    return [read_image(source, *row_of(row, 0), exact=True)[0].numpy() for row in rows]


def readable(source: Source, indices: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """(index, image) as `images` of rising indices, one after the other, without those that cannot be read.

    A source without random access has them, too.
    """
    image = lambda index, *row: (index, read_image(source, *row, exact=True)[0])  # noqa: E731
    wanted = tf.constant(indices, tf.int64)
    if source.read is not None:
        rows = tf.data.Dataset.from_tensor_slices(wanted)
        parts = [rows.map(lambda i: image(i, *row_of(read_rows(source, i[None]), 0)), num_parallel_calls=cores())]
    elif source.size <= SEEK * len(indices):
        rows = source.scan(0, source.size).enumerate().filter(lambda index, row: tf.reduce_any(index == wanted))
        parts = [rows.map(lambda i, row: image(i, *row))]
    else:
        scans = ((index, source.scan(index, index + 1)) for index in map(int, indices))
        parts = (scan.map(lambda *row, index=index: image(tf.constant(index), *row)) for index, scan in scans)
    for part in parts:
        yield from ((int(index), found) for index, found in part.ignore_errors().as_numpy_iterator())


def in_order(source: Source, start: int, stop: int, chunk: int) -> tf.data.Dataset:
    """The examples start..stop-1 as a dataset of `read_rows`-like tuples of tensors with first axis `chunk` or less."""
    if source.scan is not None:
        return source.scan(start, stop).batch(chunk)
    return tf.data.Dataset.range(start, stop).batch(chunk).map(lambda index: read_rows(source, index))
