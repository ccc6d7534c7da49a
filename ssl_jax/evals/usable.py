"""Which examples of two labeled sets the protocols can use, and which protocols cannot run on them."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

DIVERGED = "are not finite: the encoder has diverged"
"""How the reason ends where features are no numbers."""


class Usable(NamedTuple):
    """train, test: bool [n], the examples that take part. classes: int32 [k], the labels that occur in training.

    left_out: why examples do not take part, {"train": {reason: examples}, "test": …}; reasons that occur, as
    "unreadable", "unlabeled" and "other_class".
    """

    train: np.ndarray
    test: np.ndarray
    classes: np.ndarray
    left_out: dict[str, dict[str, int]]

    def numbered(self, labels: np.ndarray) -> np.ndarray:
        """Labels of examples that take part -> int32 in 0..k-1."""
        return np.searchsorted(self.classes, labels).astype(np.int32)


def of(
    train: np.ndarray, test: np.ndarray, *, train_valid: np.ndarray | None = None, test_valid: np.ndarray | None = None
) -> Usable:
    """From int labels [n] and [m], -1 where there is none, other negative ones for classes that training lacks.

    valid: bool, which examples could be read; all if left out.
    """
    readable = [np.ones(len(y), bool) if v is None else v for y, v in ((train, train_valid), (test, test_valid))]
    classes = np.unique(train[readable[0] & (train >= 0)]).astype(np.int32)
    used = [ok & np.isin(y, classes) for ok, y in zip(readable, (train, test), strict=True)]
    left_out = {}
    for name, y, ok, part in zip(("train", "test"), (train, test), readable, used, strict=True):
        counts = {"unreadable": ~ok, "unlabeled": ok & (y == -1), "other_class": ok & (y != -1) & ~part}
        left_out[name] = {reason: int(rows.sum()) for reason, rows in counts.items() if rows.any()}
    return Usable(*used, classes, left_out)


def finite(x: np.ndarray, what: str) -> np.ndarray:
    """Features [n, ...] of `what`, as "examples of the test set" -> the same as [n, d]. Raises ValueError where some of
    them are not finite."""
    x = np.asarray(x).reshape(len(x), -1)
    if bad := int(np.sum(~np.isfinite(x).all(1))):
        raise ValueError(f"the features of {bad} of the {len(x)} {what} {DIVERGED}")
    return x


def named(classes: Sequence[str], number: int) -> str:
    """What to call class `number`: its name in quotes, else the number."""
    return f"'{classes[number]}'" if number < len(classes) else str(number)
