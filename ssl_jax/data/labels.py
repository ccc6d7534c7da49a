"""Labels out of what a column or a list says: whole numbers, or names of classes."""

from collections.abc import Sequence

import numpy as np

from ssl_jax.data.contents import printable

MOST = 2**31 - 1


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
