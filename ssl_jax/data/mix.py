"""Several sources as one, of which training draws by weights.

    mix:0.7*folder:/data/photos+0.3*tfds:cifar10/train

A mix has each example of its sources once: what reads in order, as evaluation and `embed` do, sees them one after the
other. Training draws by the weights, as a function of the position g in its global order alone. An epoch is as many
draws as there are examples, n, of which each source has its share, rounded to whole examples: these draws are permuted
anew each epoch. The draws of one source, counted through all epochs, go through permutations of that source alone, so
that at the end of any epoch its examples have been drawn equally often, or once more.
"""

import math
import re
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from ssl_jax.data import classes, encoded
from ssl_jax.data.parts import Image
from ssl_jax.data.source import Source, digest, read_raw, read_rows, row_of
from ssl_jax.data.stream import shuffled
from ssl_jax.views.formats import Reading

WEIGHT = r"(?:[-.\d][^*+:/]*)?"
SALT = 1
"""Added to by the number of a source: of its own permutations."""


def parted(text: str, kinds: Sequence[str], name: str) -> list[tuple[float, str]]:
    """[(weight, the source's text)] of WEIGHT*SOURCE+WEIGHT*SOURCE...; weights are shares of their sum.

    A part begins at a + that a number, a * and one of `kinds` with its colon follow, so that paths, patterns and splits
    may have + and * of their own. Raises ValueError, which begins with `name`, for a weight that is none.
    """
    border = re.compile(rf"(?:^|\+)({WEIGHT})\*(?=(?:{'|'.join(kinds)}|[A-Za-z_]\w*(?:\.\w+)+):)")
    found = [*border.finditer(text)]
    if not found or found[0].start():
        raise ValueError(f"{name}: each part of a mix is WEIGHT*SOURCE with + between them, as 0.7*folder:A+0.3*zip:B")
    if "mix" in (text[match.end() :].partition(":")[0] for match in found):
        raise ValueError(
            f"{name}: a mix has no mix among its parts; write all of its sources with weights of their own"
        )
    ends = [*(match.start() for match in found[1:]), len(text)]
    return [
        (_weight(match[1], text[match.end() : end], name), text[match.end() : end])
        for match, end in zip(found, ends, strict=True)
    ]


def _weight(said: str, source: str, name: str) -> float:
    try:
        weight = float(said)
    except ValueError as error:
        raise ValueError(f"{name}: the weight of {source} is {said!r}, which is no number") from error
    if not (math.isfinite(weight) and weight > 0):
        raise ValueError(f"{name}: the weight of {source} is {said}; it must be a number above 0")
    return weight


def mix(name: str, sources: Sequence[Source], weights: Sequence[float]) -> Source:
    """The source that has the examples of all, one source after the other, and an order of training by the weights.

    Classes are put together by their names. Images that are held decoded become PNGs where others are encoded. Raises
    ValueError, in one sentence, for sources with other parts, channels, bits or numbers to be predicted, for classes
    that do not fit, for a source that is read in order only, and for a weight that is no draw in an epoch.
    """
    _check_alike(name, sources)
    sources, notes = classes.joined(sources)
    packed = [_packed(source) for source in sources]
    if any(packed) and not all(packed):
        sources = [source if done else _as_png(source, name) for source, done in zip(sources, packed, strict=True)]
    sizes = np.array([source.size for source in sources], np.int64)
    starts = np.cumsum([0, *sizes])
    quotas = shares(weights, int(sizes.sum()))
    for source, quota, weight in zip(sources, quotas, weights, strict=True):
        if not quota:
            raise ValueError(
                f"{name}: the weight {weight:g} of {source.name} is no draw among {starts[-1]:,}, an epoch"
            )
    known = [source.labels for source in sources]
    identity = (str(weights), *map(str, sizes))
    begin = tf.constant(starts[:-1])

    def places(index: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        which = tf.searchsorted(tf.constant(starts[1:]), index, side="right")
        return which, index - tf.gather(begin, which)

    def read(index: tf.Tensor) -> tuple:
        which, inside = (each[0] for each in places(index[None]))
        return tf.switch_case(which, [lambda s=source: _read(s, inside) for source in sources])

    def names(rows: Sequence[int]) -> list[str]:
        which = np.searchsorted(starts[1:], rows, side="right")
        inside = (np.asarray(rows) - starts[which]).tolist()
        groups = [(s, np.flatnonzero(which == k)) for k, s in enumerate(sources)]
        found = {slot: name for s, slots in groups for slot, name in _named(s, slots, inside)}
        return [found[slot] for slot in range(len(rows))]

    return Source(
        name=name,
        size=int(starts[-1]),
        parts=_parts(name, sources),
        read=read,
        labels=None if any(each is None for each in known) else np.concatenate(known),
        classes=sources[0].classes,
        digest=digest(*identity, *(source.digest for source in sources)),
        describe=lambda index: names([int(index)])[0],
        gather=(lambda index: _gathered(sources, *places(index))) if any(packed) else None,
        names=names,
        stamp=digest(*identity, *(source.stamp or source.digest for source in sources)),
        targets=_targets(name, sources),
        notices=(*(notice for source in sources for notice in source.notices), *notes, *_lost(sources)),
        order=lambda g, seed: drawn(g, seed, sizes, quotas),
    )


def _lost(sources: Sequence[Source]) -> list[str]:
    return [
        f"{source.name} has several classes of an image, which a mix does not keep: its images have no label here"
        for source in sources
        if source.multi_hot is not None
    ]


def shares(weights: Sequence[float], n: int) -> np.ndarray:
    """int64 [k]: n draws by weights; shares are rounded down, and those with the largest rests up, to n in all."""
    exact = np.asarray(weights, np.float64) / np.sum(weights) * n
    whole = np.floor(exact).astype(np.int64)
    up = np.argsort(whole - exact, kind="stable")[: n - int(whole.sum())]
    whole[up] += 1
    return whole


def drawn(g: tf.Tensor, seed: int, sizes: np.ndarray, quotas: np.ndarray) -> tf.Tensor:
    """Positions g of the global order (int64 [k]) -> indices of a mix of sources of these sizes.

    quotas: of n = sum(sizes) draws, one epoch, how many are of each source.
    """
    n, ends = int(np.sum(sizes)), np.cumsum(quotas)
    slot = shuffled(g, n, seed)
    which = tf.searchsorted(tf.constant(ends), slot, side="right", out_type=tf.int64)
    quota, size = (tf.gather(tf.constant(each, tf.int64), which) for each in (quotas, sizes))
    begin, offset = (tf.gather(tf.constant(np.cumsum(each) - each, tf.int64), which) for each in (quotas, sizes))
    turn = g // n * quota + slot - begin  # which draw of its source this is, from the first epoch on
    return offset + shuffled(turn, size, seed, salt=SALT + which)


def _read(source: Source, index: tf.Tensor) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
    raw, label = read_raw(source, *row_of(read_rows(source, index[None]), 0))
    return {part: raw[part] for part in sorted(source.parts)}, tf.cast(label, tf.int32)


def _named(source: Source, slots: np.ndarray, inside: list[int]) -> list[tuple[int, str]]:
    """(slot, what a person calls the example `inside[slot]`) of these slots."""
    rows = [inside[slot] for slot in slots]
    found = source.names(rows) if source.names and rows else [source.describe(row) for row in rows]
    return [*zip(slots.tolist(), found, strict=True)]


def _packed(source: Source) -> bool:
    """Whether all of its parts are bytes, or paths, and none is an array. Nothing is read for this."""
    traced = tf.function(lambda index: _read(source, index), autograph=False)
    parts = traced.get_concrete_function(tf.TensorSpec([], tf.int64)).structured_outputs[0]
    return all(part.dtype == tf.string for part in parts.values())


def _gathered(sources: Sequence[Source], which: tf.Tensor, inside: tf.Tensor) -> tuple[dict, tf.Tensor]:
    """The examples `inside` (int64 [k]) of the sources `which` (int32 [k]), bytes; b"" of what cannot be read.

    One call for all of one source; in the graph it costs a third of a choice of the source for each example.
    """
    count, names = tf.shape(which)[0], sorted(sources[0].parts)
    parts, label = dict.fromkeys(names, tf.fill([count], "")), tf.fill([count], -1)
    empty = lambda: (tf.zeros([0], tf.int32), (dict.fromkeys(names, tf.fill([0], "")), tf.zeros([0], tf.int32)))  # noqa: E731
    for number, source in enumerate(sources):
        slots = tf.where(which == number)[:, 0]
        some = lambda s=source, rows=tf.gather(inside, slots): _many(s, rows)  # noqa: E731
        alive, (found, labels) = tf.cond(tf.size(slots) > 0, some, empty)
        at = tf.gather(slots, alive)[:, None]
        parts = {part: tf.tensor_scatter_nd_update(known, at, found[part]) for part, known in parts.items()}
        label = tf.tensor_scatter_nd_update(label, at, labels)
    return {part: tf.ensure_shape(known, which.shape) for part, known in parts.items()}, label


def _many(source: Source, rows: tf.Tensor) -> tuple[tf.Tensor, tuple[dict[str, tf.Tensor], tf.Tensor]]:
    """Which of the examples `rows` (int64 [k]) can be read, int32 [j], and these."""
    if source.gather is None:
        return encoded.survivors(lambda row: _read(source, row), rows)
    raw, label = read_raw(source, *source.gather(rows))
    return tf.range(tf.size(rows)), ({part: raw[part] for part in sorted(raw)}, tf.cast(label, tf.int32))


def _as_png(source: Source, name: str) -> Source:
    """A source of decoded images as one of encoded ones."""
    if source.image.channels not in (1, 3, 4):
        raise ValueError(f"{name}: {source.name} has {source.image.channels} channels, which no encoded image has")

    def read(index: tf.Tensor) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        raw, label = _read(source, index)
        return {**raw, "image": tf.io.encode_png(raw["image"])}, label

    return source._replace(read=read, gather=None)


def _check_alike(name: str, sources: Sequence[Source]) -> None:
    first = sources[0]
    for source in sources:
        if source.read is None:
            raise ValueError(f"{name}: {source.name} can only be read in order, so nothing can be drawn of it")
        if not source.size:
            raise ValueError(f"{name}: {source.name} has no examples")
        if source.parts.keys() != first.parts.keys():
            kinds = ", ".join(source.parts), ", ".join(first.parts)
            raise ValueError(
                f"{name}: an example of {source.name} has {kinds[0]}, and one of {first.name} has {kinds[1]}"
            )
        for part, found in source.parts.items():
            own, other = (_kind(each) for each in (found, first.parts[part]))
            if own != other:
                raise ValueError(
                    f"{name}: {source.name} has {own} and {first.name} has {other}; a mix needs one of both"
                    + "; data.channels and data.bits make files alike" * isinstance(found, Image)
                )


def _kind(part: tuple) -> str:
    """What of a part must be the same, in words."""
    if isinstance(part, Image):
        return f"{part.channels} channels of {part.bits} bits"
    return ", ".join(f"{key} {value}" for key, value in part._asdict().items()) or type(part).__name__.lower()


def _parts(name: str, sources: Sequence[Source]) -> dict:
    """The parts, with what is known of the images of all."""
    parts = dict(sources[0].parts)
    if "image" in parts:
        images = [source.image for source in sources]
        shape = images[0].shape if len({image.shape for image in images}) == 1 else (None, None)
        known = dict(shape=shape, plain=all(image.plain for image in images), reading=_reading(name, images))
        parts["image"] = images[0]._replace(**known)
    return parts


def _reading(name: str, images: Sequence[Image]) -> Reading | None:
    """How the files of all are read. ValueError where two sources say it differently, since a mix has one way."""
    said = {image.reading for image in images if image.reading is not None}
    ways = [reading for reading in said if any(reading)]
    if len(ways) > 1:
        raise ValueError(
            f"{name}: its sources say different things of pages or key, and a mix reads all in one way: convert one of "
            "them before (ssl-jax data convert)"
        )
    return next(iter(ways or said), None)


def _targets(name: str, sources: Sequence[Source]) -> np.ndarray | None:
    """Numbers to be predicted: NaN for sources without."""
    widths = {source.targets.shape[1] for source in sources if source.targets is not None}
    if len(widths) > 1:
        raise ValueError(f"{name}: its sources have {' and '.join(map(str, sorted(widths)))} numbers to be predicted")
    if not widths:
        return None
    empty = lambda source: np.full((source.size, *widths), np.nan, np.float32)  # noqa: E731
    return np.concatenate([empty(s) if s.targets is None else s.targets for s in sources])
