"""Which classes a probe takes for which."""

import numpy as np


def matrix(truth: np.ndarray, predicted: np.ndarray, *, classes: int) -> np.ndarray:
    """int [n], int [n] in 0..classes-1 -> counts int64 [classes, classes]: a row a true class.

    Raises ValueError for numbers out of that range, or for unequally many.
    """
    truth, predicted = (np.asarray(each, np.int64).reshape(-1) for each in (truth, predicted))
    if len(truth) != len(predicted):
        raise ValueError(f"there are {len(truth)} labels and {len(predicted)} predictions")
    both = np.concatenate([truth, predicted])
    if both.size and not 0 <= both.min() <= both.max() < classes:
        wrong = both[(both < 0) | (both >= classes)][0]
        raise ValueError(f"the class {wrong} is not among the {classes}, which are 0 to {classes - 1}")
    return np.bincount(truth * classes + predicted, minlength=classes**2).reshape(classes, classes)


def confused(counts: np.ndarray, most: int) -> list[tuple[int, int, int]]:
    """Of `matrix`: (true class, predicted class, count) of up to `most` mistakes, the most common first."""
    wrong = np.where(np.eye(len(counts), dtype=bool), 0, counts)
    order = np.argsort(-wrong, axis=None, kind="stable")[:most]
    pairs = [divmod(int(place), len(counts)) for place in order]
    return [(row, column, int(wrong[row, column])) for row, column in pairs if wrong[row, column]]
