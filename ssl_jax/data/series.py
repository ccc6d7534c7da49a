"""Sources of sensor series: cases of a `.ts` file, or windows of the recordings in CSV files.

    series:BasicMotions_TRAIN.ts
    series:heart?rate=100&window=6&stride=0.5&target=heart_rate&split=train

Of recordings, windows are cut in seconds. A split is made in time: of every four blocks of 30 seconds of a recording
the last is the test's, and a window that reaches into both kinds is in neither, so that no reading is in both.
"""

import collections
import os

import numpy as np
import tensorflow as tf
from etils import epath

from ssl_jax.checks import spelling
from ssl_jax.data import listing, pulse, queries, series_files
from ssl_jax.data.parts import Series
from ssl_jax.data.source import Source, digest

OPTIONS = ("rate", "window", "stride", "target", "split")
SPLITS = ("train", "test")
BLOCK, EVERY = 30.0, 4
"""Seconds of a block, and how many blocks have one for testing."""
DERIVED = {"heart_rate": pulse.heart_rate}
"""Targets that are read off the window itself: (readings [t], rate) -> (number, why there is none)."""


def series(text: str) -> Source:
    """`PATH[?OPTION=VALUE&...]`: a `.ts` file, a `.csv` file, or a folder of `.csv` files.

    An example of a `.ts` file is a case, with its class or its target. Of recordings it is a window: rate, readings a
    second of files without time stamps, and what all are brought to by linear interpolation; window and stride, seconds
    (the stride is the window's unless given); target, a name of DERIVED; split, "train" or "test" (all if left out).
    Examples are float32 [t, c]. ValueError, in one sentence, for what is not there or cannot be read so.
    """
    place, _, query = text.partition("?")
    name, path, options = (
        f"series:{place}",
        epath.Path(place).expanduser(),
        queries.options(query, OPTIONS, f"series:{text}", "series"),
    )
    if place.lower().endswith(".ts"):
        if options:
            raise ValueError(f"series:{text}: cases of a .ts file are whole, so it takes no {next(iter(options))}")
        if not path.exists():
            raise ValueError(f"{name}: there is no such file")
        found = series_files.cases(path, name)
        return arrays(found.series, found.labels, found.targets, name=name, classes=found.classes)
    return _windows(path, f"series:{text}", options)


def arrays(
    examples: list[np.ndarray],
    labels: np.ndarray | None = None,
    targets: np.ndarray | None = None,
    *,
    name: str = "series",
    classes: tuple[str, ...] = (),
    rate: float = 0.0,
    notices: tuple[str, ...] = (),
) -> Source:
    """A source of series [t, c] of any lengths. labels: int [n], -1 for none. targets: float [n, k], NaN for none."""
    if not examples or any(x.ndim != 2 or x.shape[1] != examples[0].shape[1] for x in examples):
        raise ValueError(f"{name}: series are [t, c], one or more of them, with the same c")
    values = np.ascontiguousarray(np.concatenate(examples), np.float32)
    lengths = np.array([len(x) for x in examples], np.int64)
    starts = np.cumsum(lengths) - lengths
    return _of(values, starts, lengths, labels, targets, name=name, classes=classes, rate=rate, notices=notices)


def _of(
    values: np.ndarray,
    starts: np.ndarray,
    lengths: np.ndarray,
    labels: np.ndarray | None,
    targets: np.ndarray | None,
    *,
    name: str,
    classes: tuple[str, ...],
    rate: float,
    notices: tuple[str, ...],
) -> Source:
    """A source of stretches of one array [t, c], which may overlap."""
    n, c = len(starts), values.shape[1]
    labels = np.full(n, -1, np.int32) if labels is None else np.asarray(labels, np.int32)
    targets = None if targets is None else np.asarray(targets, np.float32).reshape(n, -1)
    readings, numbers, first, many = (tf.constant(x) for x in (values, labels, starts, lengths))

    def read(index: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return tf.ensure_shape(readings[first[index] : first[index] + many[index]], [None, c]), numbers[index]

    held = [x.tobytes() for x in (values, starts, lengths, labels, *(() if targets is None else (targets,)))]
    same = digest(*held, *classes, str(rate))
    return Source(
        name=name,
        size=n,
        parts={"series": Series(c, rate)},
        read=read,
        labels=labels,
        classes=tuple(classes),
        digest=same,
        describe=lambda index: f"{name}, example {index}",
        stamp=same,
        targets=targets,
        notices=notices,
    )


def _windows(path: epath.Path, name: str, options: dict[str, str]) -> Source:
    """Windows of all recordings, one after the other."""
    files = _files(path, name)
    rate, window = (_seconds(options, key, name) for key in ("rate", "window"))
    stride = _seconds(options, "stride", name) if "stride" in options else window
    for key, known in (("target", DERIVED), ("split", SPLITS)):
        if key in options and options[key] not in known:
            raise ValueError(f"{name}: {spelling.unknown(options[key], known, f'the values of {key}')}")
    length, step = round(window * rate), max(1, round(stride * rate))
    if length < 2:
        raise ValueError(f"{name}: a window of {window:g} seconds has {length} readings; make it longer")
    if "split" in options and window > BLOCK:
        raise ValueError(f"{name}: a window of {window:g} seconds is longer than the {BLOCK:g} that a split is made of")
    values, starts, names, notes, begin = [], [], [], [], 0
    for file in files:
        found = series_files.recording(file, f"series:{file}", rate)
        readings = _resampled(found.readings, found.rate, rate)
        own = np.arange(0, len(readings) - length + 1, step)
        own = own[_chosen(own, length, rate, options.get("split", ""))]
        dead = np.array([_dead(readings[k : k + length]) for k in own], bool)
        notes += [*found.notes, *_left_out(f"series:{file}", own, dead)]
        own = own[~dead]
        names += [(file.name, k / rate) for k in own]
        values, starts, begin = [*values, readings], [*starts, begin + own], begin + len(readings)
    if len({len(x.T) for x in values}) > 1:
        counts = ", ".join(f"{file.name} {len(x.T)}" for file, x in zip(files, values, strict=True))
        raise ValueError(f"{name}: files of one source have the same number of columns, and these have {counts}")
    values, starts = np.concatenate(values).astype(np.float32), np.concatenate(starts).astype(np.int64)
    if not len(starts):
        raise ValueError(f"{name}: no recording has a window of {window:g} seconds with readings that change")
    targets, told = _targets(values, starts, length, rate, options.get("target", ""), name)
    lengths, notices = np.full(len(starts), length, np.int64), (*notes, *told)
    made = _of(values, starts, lengths, None, targets, name=name, classes=(), rate=rate, notices=notices)
    return made._replace(describe=lambda index: "{} at {:g} s".format(*names[index]))


def _dead(window: np.ndarray) -> bool:
    """Whether readings are missing in a window, or nothing changes in it."""
    return not np.isfinite(window).all() or bool((window == window[:1]).all())


def _left_out(name: str, starts: np.ndarray, dead: np.ndarray) -> list[str]:
    """A sentence about the windows of a recording that are not there."""
    if not len(starts):
        return [f"{name}: no window of it is in this source"]
    told = f"{name}: {dead.sum():,} of {len(dead):,} windows left out, flat or with missing readings"
    return [told] if dead.any() else []


def _chosen(starts: np.ndarray, length: int, rate: float, split: str) -> np.ndarray:
    """bool [n]: which windows are in a split, "" for all."""
    if not split:
        return np.ones(len(starts), bool)
    first, last = (np.floor(edge / (BLOCK * rate)).astype(int) for edge in (starts, starts + length - 1))
    of_test = [np.array([k % EVERY == EVERY - 1 for k in blocks], bool) for blocks in (first, last)]
    return of_test[0] & of_test[1] if split == "test" else ~(of_test[0] | of_test[1])


def _targets(
    values: np.ndarray, starts: np.ndarray, length: int, rate: float, target: str, name: str
) -> tuple[np.ndarray | None, tuple[str, ...]]:
    """float32 [n, 1], NaN where a window does not tell, and a sentence about these."""
    if not target:
        return None, ()
    if values.shape[1] != 1:
        raise ValueError(f"{name}: {target} is read off one column, and there are {values.shape[1]}")
    found = [DERIVED[target](values[start : start + length, 0].astype(np.float64), rate) for start in starts]
    why = collections.Counter(reason for _, reason in found if reason)
    many = f"{why.total():,} of {len(found):,} windows have no {target}"
    told = f"{name}: {many}: {', '.join(f'{count:,} {reason}' for reason, count in why.most_common())}"
    return np.array([[number] for number, _ in found], np.float32), (told,) if why else ()


def _resampled(readings: np.ndarray, own: float, rate: float) -> np.ndarray:
    """[t, c] at `own` readings a second -> at `rate`, on the straight lines between them."""
    if own == rate:
        return readings
    times = np.arange(0, len(readings) - 1 + 1e-9, own / rate)
    return np.stack([np.interp(times, np.arange(len(readings)), column) for column in readings.T], 1)


def _files(path: epath.Path, name: str) -> list[epath.Path]:
    if path.is_dir():
        found = [path / file for file in listing.files(path, name, (".csv",)).names]
        if not found:
            raise ValueError(f"{name}: there is no .csv file in it; a .ts file is named itself")
        return found
    if not path.exists() or not os.fspath(path).lower().endswith(".csv"):
        raise ValueError(f"{name}: there is no such .ts or .csv file, or folder of .csv files")
    return [path]


def _seconds(options: dict[str, str], key: str, name: str) -> float:
    """A number above 0 among the options; seconds, or readings a second."""
    try:
        number = float(options[key])
    except KeyError as error:
        raise ValueError(f"{name}: recordings need {key}=; write, for example, ?rate=100&window=6") from error
    except ValueError:
        number = np.nan
    if not 0 < number < 1e9:
        raise ValueError(f"{name}: {key} is {options[key]!r}; it must be a number above 0")
    return number
