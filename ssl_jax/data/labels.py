"""Labels out of what a column or a list says: whole numbers, or names of classes."""

from collections.abc import Sequence

import numpy as np

from ssl_jax.data.contents import printable

MOST = 2**31 - 1
UNSURE = "?"
"""Before the name of a class that does not count for an example of several classes, as what is hard to see."""


def numbered(values: Sequence[int | str | None], what: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """(labels int32 [n], names of classes) of values; None, "" and numbers below 0 are no label, -1.

    Whole numbers, also written ones, are labels as they stand, without names. Otherwise the classes are the names that
    occur, sorted. Raises ValueError, which begins with `what`, for numbers that are not whole or too large.
    """
    clean = [None if value is None or str(value).strip() == "" else str(value).strip() for value in values]
    known = sorted({value for value in clean if value is not None})
    numbers = {value: _number(value) for value in known}
    if np.isfinite([*numbers.values()]).all():
        parts = [value for value in known if numbers[value] % 1]
        if parts:
            raise ValueError(
                f"{what} has the number {parts[0]}, which is no label; numbers to predict are target=COLUMN"
            )
        return within([-1 if value is None else int(numbers[value]) for value in clean], what), ()
    place = {value: k for k, value in enumerate(known)}
    labels = np.array([-1 if value is None else place[value] for value in clean], np.int32)
    return labels, tuple(map(printable, known))


def _number(value: str) -> float:
    try:
        return float(value)
    except ValueError:
        return np.nan


def within(numbers: Sequence[int] | np.ndarray, what: str) -> np.ndarray:
    """Whole numbers as int32 labels, -1 for what is below 0. Raises ValueError for one that is too large."""
    found = np.asarray(numbers, np.int64).reshape(-1)
    if found.size and found.max() > MOST:
        raise ValueError(f"{what} has the number {found.max()}, which is too large for a label")
    return np.maximum(found, -1).astype(np.int32)


def several(
    values: Sequence[Sequence[int | str] | None], what: str, classes: tuple[str, ...] = ()
) -> tuple[np.ndarray, tuple[str, ...]]:
    """(int8 [n, k] as `Source.multi_hot`, names of the k classes) of the labels that each example has.

    Without `classes` these are the labels that occur, numbers in their order, or else names, sorted; with them labels
    are numbers of them. A name behind `UNSURE` does not count for the example, and of None none does. Raises
    ValueError, which begins with `what`, for a number that is not among the classes, and where no example has a label.
    """
    said = [None if some is None else [str(each).strip() for each in some if str(each).strip()] for some in values]
    found = {name.removeprefix(UNSURE) for names in said for name in names or ()}
    known = [*map(str, range(len(classes)))] or sorted(found, key=int if all(map(str.isdecimal, found)) else None)
    place = {name: k for k, name in enumerate(known)}
    if not found:
        raise ValueError(f"{what} has no labels")
    if wrong := sorted(found - {*place}):
        raise ValueError(f"{what} has the label {wrong[0]} and names for {len(classes)} classes")
    out = np.zeros((len(said), len(place)), np.int8)
    for row, names in zip(out, said, strict=True):
        row[:] = -1 if names is None else 0
        for name in names or ():
            row[place[name.removeprefix(UNSURE)]] = -1 if name.startswith(UNSURE) else 1
    return out, tuple(map(printable, classes or known))
