"""Files of series: `.ts` as the archives of UCR, UEA and aeon have it, and CSV with a column for each sensor."""

from typing import NamedTuple

import numpy as np
from etils import epath

CLOCKS = ("time", "date", "stamp")
"""What the name of a column of time stamps has in it."""
UNITS = {"seconds": 1.0, "milliseconds": 1e-3, "microseconds": 1e-6}


class Cases(NamedTuple):
    """Series float32 [t, c] each; labels int32 [n], -1 where there is none; targets float32 [n, 1] or None."""

    series: list[np.ndarray]
    labels: np.ndarray
    classes: tuple[str, ...]
    targets: np.ndarray | None


class Recording(NamedTuple):
    """Readings float64 [t, c], NaN where one is missing, at `rate` a second; notes: sentences about how it was read."""

    readings: np.ndarray
    rate: float
    notes: tuple[str, ...]


def cases(path: epath.Path, name: str) -> Cases:
    """What a `.ts` file holds: a case a line, sensors between colons, behind them the label or the target.

    "?" is a missing number. Raises ValueError, which begins with `name`, for what is no such file.
    """
    lines = path.read_bytes().decode(errors="replace").splitlines()
    stripped = [line.strip() for line in lines]
    begin = next((k for k, line in enumerate(stripped) if line.lower() == "@data"), None)
    if begin is None:
        raise ValueError(f"{name}: there is no line @data, so it is no .ts file")
    header = [line.split() for line in stripped[:begin] if line.startswith("@")]
    said = {words[0].lower(): words[1:] for words in header}
    yes = lambda key: said.get(key, [""])[:1] in (["true"], ["True"], ["TRUE"])  # noqa: E731
    if yes("@timestamps"):
        raise ValueError(f"{name}: it has time stamps, and only series at equal distances in time can be read")
    kind = "label" if yes("@classlabel") else "target" if yes("@targetlabel") else ""
    rows = [(k + 1, line) for k, line in enumerate(stripped) if k > begin and line and line[0] != "#"]
    series, ends = [], []
    for number, line in rows:
        *fields, end = line.split(":") if kind else (*line.split(":"), "")
        series.append(_series(fields, f"{name}, line {number}", len(series[0].T) if series else len(fields)))
        ends.append((number, end.strip()))
    if not series:
        raise ValueError(f"{name}: there are no series behind @data")
    if kind != "label":
        targets = [[_number(end, f"{name}, line {number}")] for number, end in ends] if kind else None
        targets = None if targets is None else np.array(targets, np.float32)
        return Cases(series, np.full(len(series), -1, np.int32), (), targets)
    classes = tuple(said["@classlabel"][1:]) or tuple(sorted({end for _, end in ends}))
    strange = next(((number, end) for number, end in ends if end not in classes), None)
    if strange:
        raise ValueError(f"{name}, line {strange[0]}: the label {strange[1]!r} is none of {', '.join(classes)}")
    return Cases(series, np.array([classes.index(end) for _, end in ends], np.int32), classes, None)


def _series(fields: list[str], where: str, channels: int) -> np.ndarray:
    columns = [[_number(cell, where) for cell in field.split(",")] for field in fields]
    if len(columns) != channels or len({len(column) for column in columns}) != 1:
        lengths = " and ".join(str(len(column)) for column in columns)
        raise ValueError(f"{where}: {channels} sensors of one length are wanted, and there are {lengths} readings")
    return np.array(columns, np.float32).T


def _number(cell: str, where: str) -> float:
    if cell.strip() in ("", "?"):
        return np.nan
    try:
        return float(cell)
    except ValueError as error:
        raise ValueError(f"{where}: {cell.strip()[:20]!r} is no number") from error


def recording(path: epath.Path, name: str, rate: float) -> Recording:
    """What a CSV file holds: a column for each sensor, a header or none, a column of time stamps or none.

    rate: readings a second of a file without time stamps. With them it is what they say on average, since clocks are
    often coarser than sensors; numbers are taken for seconds, milliseconds or microseconds, by which comes nearest to
    `rate`. Columns of words are left out. Raises ValueError, which begins with `name`, for a file without numbers, with
    lines of other lengths, or with a clock that stands still.
    """
    lines = [line for line in path.read_bytes().decode(errors="replace").splitlines() if line.strip()]
    rows = [[cell.strip().strip('"') for cell in line.split(",")] for line in lines]
    if not rows:
        raise ValueError(f"{name}: the file is empty")
    wrong = next((k for k, row in enumerate(rows, 1) if len(row) != len(rows[0])), None)
    if wrong:
        raise ValueError(f"{name}: line {wrong} has {len(rows[wrong - 1])} cells, and the first has {len(rows[0])}")
    titled = all(_column([cell]) is None for cell in rows[0])
    titles = rows.pop(0) if titled else [f"column {k + 1}" for k in range(len(rows[0]))]
    cells = dict(zip(titles, map(list, zip(*rows, strict=True)), strict=False)) if rows else {}
    clock = next((t for t in cells if any(word in t.lower() for word in CLOCKS)), None) if titled else None
    columns = {title: _column(column) for title, column in cells.items() if title != clock}
    known = {title: column for title, column in columns.items() if column is not None}
    if not known:
        raise ValueError(f"{name}: no column of it has numbers, so there are no readings")
    words = [title for title, column in columns.items() if column is None]
    notes = (f"{name}: {', '.join(words)} left out, which has no numbers",) if words else ()
    if clock is None:
        return Recording(np.stack(list(known.values()), 1), rate, notes)
    measured, unit = _rate(cells[clock], rate, f"{name}: the clock {clock!r}")
    counted = f"counts {unit}, {measured:.4g} readings a second" if unit else f"tells {measured:.4g} readings a second"
    return Recording(np.stack(list(known.values()), 1), measured, (*notes, f"{name}: the clock {clock!r} {counted}"))


def _column(cells: list[str]) -> np.ndarray | None:
    """float64 [t], NaN for empty cells; None where it holds a word, or nothing."""
    try:
        numbers = np.array([cell or "nan" for cell in cells], np.float64)
    except ValueError:
        return None
    return None if np.isnan(numbers).all() else numbers


def _rate(cells: list[str], near: float, where: str) -> tuple[float, str]:
    """Readings a second by the first and the last time stamp, and the unit that was found, "" for dates."""
    numbers, unit = _column(cells), ""
    if numbers is None:
        try:
            numbers = np.array(cells, "datetime64[us]").astype(np.int64) * 1e-6
        except ValueError as error:
            raise ValueError(f"{where} has stamps that are neither numbers nor dates, such as {cells[0]!r}") from error
    else:
        span = max(abs(numbers[-1] - numbers[0]), 1e-300)
        rates = {name: (len(numbers) - 1) / (span * scale) for name, scale in UNITS.items()}
        unit = min(rates, key=lambda name: abs(np.log(max(rates[name], 1e-300) / near)))
        numbers = numbers * UNITS[unit]
    if not (np.isfinite(numbers).all() and numbers[-1] > numbers[0] and (np.diff(numbers) >= 0).all()):
        raise ValueError(f"{where} does not rise from each line to the next")
    return (len(numbers) - 1) / (numbers[-1] - numbers[0]), unit
