"""What is in a dataset: counts, sizes, channels, corrupt files, statistics per channel, labels."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from ssl_jax.data import duplicates, encoded, looks
from ssl_jax.data.duplicates import Looks, hashed
from ssl_jax.data.source import Source, in_order, read_raw, row_of
from ssl_jax.process.machine import cores
from ssl_jax.views import decoding

CHUNK = 32


def bar(console: Console | None) -> Progress:
    """A progress bar with count and time left, on `console`; silent where that is None."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, disable=console is None)


class Seen(NamedTuple):
    """What a check keeps of the n images that can be read, beside its report.

    index: int64 [n], which examples. label: int32 [n]. size: int [n, 5], height, width, channels and bytes as stored,
    and whether it is stored turned. kind: int64 [n, 2], which of `looks.FORMATS`, and bits as stored. looks: what tells
    duplicates.
    """

    index: np.ndarray
    label: np.ndarray
    size: np.ndarray
    kind: np.ndarray
    looks: Looks


def check(source: Source, *, console: Console | None = None, threads: int | None = None) -> dict[str, Any]:
    """Read every example once and report what was found, as plain values that JSON can hold.

    mean, std: per channel over all pixels of all images, in 0..1. height, width: (least, median, greatest). channels:
    how many images have how many. turned: how many are stored turned or mirrored, with an EXIF orientation that is
    honored. corrupt: index, name and reason of each image that cannot be read. notices: what the source says of
    itself. labels: class name, or number, -> count; "" is no label. Of examples with other parts the images are looked
    at, or the points, of which there is their number, or that of the triangles of a surface. Raises ValueError where
    there are neither.
    """
    index, (sizes, labels, sums) = _read(source, _measure_of(source), lambda *found: found, console, threads)
    return _report(source, sizes, labels, sums, index)


def examined(
    source: Source, *, console: Console | None = None, threads: int | None = None
) -> tuple[dict[str, Any], Seen]:
    """As `check`, with "duplicates" in the report (`duplicates.py`), and what they were found by.

    Raises ValueError where there are no images.
    """
    _ = source.image
    keep = lambda gray, *found: (*found, hashed(gray))  # noqa: E731
    index, (sizes, labels, sums, told, tiny, hashes) = _read(source, _look, keep, console, threads)
    seen = Seen(index, labels, sizes, told[:, 1:], Looks(told[:, 0], hashes, tiny))
    return {**_report(source, sizes, labels, sums, index), "duplicates": _duplicates(seen, console)}, seen


def _duplicates(seen: Seen, console: Console | None) -> dict[str, list[list[int]]]:
    """{"exact": groups of examples with the same pixels, "near": of examples that nearly look the same}"""
    with bar(console) as progress:
        task = progress.add_task("comparing", total=None)
        say = lambda done, total: progress.update(task, completed=done, total=total)  # noqa: E731
        found = {"exact": duplicates.exact(seen.looks), "near": duplicates.near(seen.looks, say=say)}
    return {name: [seen.index[group.rows].tolist() for group in groups] for name, groups in found.items()}


def _read(
    source: Source, measure: Callable, keep: Callable, console: Console | None, threads: int | None
) -> tuple[np.ndarray, list]:
    """Which examples can be read, int64 [n], and of all that `keep` leaves of what `measure` gives of some of them.

    sums, the third of it, is added up.
    """
    work = in_order(source, 0, source.size, CHUNK).map(
        lambda *rows: encoded.survivors(lambda *row: measure(source, *row), *rows),
        num_parallel_calls=threads or cores(),
    )
    alive, found, begin = [], [], 0
    with bar(console) as progress:
        task = progress.add_task(f"checking {source.name}", total=source.size)
        for slots, results in work.prefetch(2).as_numpy_iterator():
            alive.append(begin + slots.astype(np.int64))
            size, label, sums, *more = keep(*results)
            found.append((size, label, sums.sum(0, keepdims=True), *more))
            begin = min(begin + CHUNK, source.size)
            progress.update(task, completed=begin)
    size, label, sums, *more = (np.concatenate(column) for column in zip(*found, strict=True))
    return np.concatenate(alive), [size, label, sums.sum(0), *more]


def _measure_of(source: Source) -> Callable:
    """What looks at an example. Raises ValueError where there is nothing that could be looked at."""
    if "points" in source.parts and "image" not in source.parts:
        return _count
    _ = source.image
    return _measure


def _count(source: Source, *row: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """([points or triangles], label, nothing to be added up) of one cloud or surface."""
    raw, label = read_raw(source, *row)
    return tf.shape(raw["points"])[:1], label, tf.zeros([0])


def _measure(source: Source, *row: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """([h, w, channels, bytes, turned], label, [sums, sums of squares] [2, c] of values in 0..1) of one image."""
    return _measured(source, *_decoded(source, *row))


def _look(source: Source, *row: tf.Tensor) -> tuple[tf.Tensor, ...]:
    """(gray, what `_measure` gives, what it is, small colors) of one image, by `looks.py`."""
    data, image, own, label = _decoded(source, *row)
    gray, tiny = looks.small(image, source.image.bits)
    return gray, *_measured(source, data, image, own, label), looks.identified(data, image), tiny


def _decoded(source: Source, *row: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor | int, tf.Tensor]:
    """(as it is stored, as it is read, its own channels, label) of one image."""
    raw, label = read_raw(source, *row)
    data, (channels, bits, _, _, reading) = raw["image"], source.image
    if data.dtype != tf.string:
        return data, data, channels, label
    native = encoded.decode(data, channels=0, bits=bits, exact=True, reading=reading)
    own = tf.shape(native)[-1]
    again = lambda: encoded.decode(data, channels=channels, bits=bits, exact=True, reading=reading)  # noqa: E731
    image = tf.cond(tf.equal(own, channels), lambda: native, again)
    return data, tf.ensure_shape(image, [None, None, channels]), own, label


def _measured(
    source: Source, data: tf.Tensor, image: tf.Tensor, own: tf.Tensor | int, label: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    channels, bits = source.image.channels, source.image.bits
    if data.dtype == tf.string:
        length = tf.strings.length(data)
        turned = tf.ensure_shape(tf.numpy_function(_turned, [data], tf.int32), [])
    else:
        length, turned = tf.size(data) * (bits // 8), 0
    shape = tf.shape(image)
    x = tf.reshape(tf.cast(image, tf.float64), [-1, channels]) / (2**bits - 1)
    sums = tf.stack([tf.reduce_sum(x, 0), tf.reduce_sum(x * x, 0)])
    return tf.stack([shape[0], shape[1], own, length, turned]), label, sums


def _turned(data: bytes) -> np.int32:
    return np.int32(decoding.orientation(data) != 1)


def _why(source: Source, index: int) -> str:
    """Why an example cannot be read; found by reading it again."""
    try:
        for rows in in_order(source, index, index + 1, 1):
            _measure_of(source)(source, *row_of(rows, 0))
    except (tf.errors.OpError, ValueError) as error:
        return encoded.reason(error)
    return "it could not be read at first, and can be now"


def _report(source: Source, sizes: np.ndarray, labels: np.ndarray, sums: np.ndarray, index: np.ndarray) -> dict:
    corrupt = np.setdiff1d(np.arange(source.size), index).tolist()
    values, counts = np.unique(labels, return_counts=True)
    name = lambda label: "" if label < 0 else str((source.classes or range(label + 1))[label])  # noqa: E731
    return {
        "source": source.name,
        "digest": source.digest,
        "examples": source.size,
        "readable": len(labels),
        "corrupt": [{"index": i, "name": source.describe(i), "reason": _why(source, i)} for i in corrupt],
        "notices": list(source.notices),
        **(_pixels(source, sizes, sums) if "image" in source.parts else {_unit(source): _spread(sizes[:, 0])}),
        "classes": len(source.classes),
        "labels": {name(int(v)): int(n) for v, n in zip(values, counts, strict=True)},
    }


def _pixels(source: Source, sizes: np.ndarray, sums: np.ndarray) -> dict:
    """What a report says of images."""
    pixels = max(1.0, float(np.sum(sizes[:, 0].astype(np.float64) * sizes[:, 1])))
    mean, square = sums / pixels
    natives, many = np.unique(sizes[:, 2], return_counts=True)
    return {
        "turned": int(sizes[:, 4].sum()),
        "bytes": int(sizes[:, 3].sum(dtype=np.int64)),
        "height": _spread(sizes[:, 0]),
        "width": _spread(sizes[:, 1]),
        "channels": {int(c): int(n) for c, n in zip(natives, many, strict=True)},
        "read_as": {"channels": source.image.channels, "bits": source.image.bits},
        "mean": [float(m) for m in mean],
        "std": [float(s) for s in np.sqrt(np.maximum(square - mean * mean, 0))],
    }


def _unit(source: Source) -> str:
    return "triangles" if source.parts["points"].surface else "points"


def _spread(x: np.ndarray) -> list[int]:
    return [int(v) for v in (x.min(), np.median(x), x.max())] if x.size else [0, 0, 0]


def table(report: dict[str, Any]) -> Table:
    """The report as a table for a terminal: at most ten corrupt examples and ten labels by name."""
    out = Table(title=report["source"], show_header=False)
    labels = {key or "(none)": count for key, count in report["labels"].items()}
    spread = {
        name: "{:,} to {:,}, median {:,}".format(*(report[name][k] for k in (0, 2, 1)))
        for name in ("height", "width", "triangles", "points")
        if name in report
    }
    rows = {
        "examples": f"{report['examples']:,}",
        **spread,
        **(_pixel_rows(report) if "height" in report else {}),
        **(_duplicate_rows(report["duplicates"]) if "duplicates" in report else {}),
        "labels": _some([f"{key}: {count:,}" for key, count in labels.items()]),
        "corrupt": _some([f"{entry['name']}: {entry['reason']}" for entry in report["corrupt"]]) or "none",
        "digest": report["digest"],
    }
    for key, value in rows.items():
        out.add_row(key, value)
    return out


def _pixel_rows(report: dict[str, Any]) -> dict[str, str]:
    return {
        "bytes": f"{report['bytes']:,}",
        "channels": ", ".join(f"{c} in {n:,} images" for c, n in report["channels"].items()),
        "read as": f"{report['read_as']['channels']} channels of {report['read_as']['bits']} bits",
        "stats (0..1)": stats(report),
        "turned (EXIF)": f"{report['turned']:,}",
    }


def stats(report: dict[str, Any]) -> str:
    """The statistics of channels as a recipe has them."""
    return f"dict(mean={_numbers(report['mean'])}, std={_numbers(report['std'])})"


def _duplicate_rows(found: dict[str, list[list[int]]]) -> dict[str, str]:
    names = {"exact": "exact copies", "near": "nearly alike"}
    return {
        names[key]: f"{sum(map(len, groups)):,} in {len(groups):,} groups" if groups else "none"
        for key, groups in found.items()
    }


def _numbers(values: list[float]) -> str:
    """As a recipe has them: four digits that count, since satellites and X-rays fill little of their range."""
    return f"({', '.join(f'{value:#.4g}' for value in values)}{',' * (len(values) == 1)})"


def _some(lines: list[str]) -> str:
    rest = [f"and {len(lines) - 10:,} more"] if len(lines) > 10 else []
    return "\n".join(lines[:10] + rest)
