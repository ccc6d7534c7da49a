"""Deterministic, class-balanced divisions of a labeled set: a validation part of train, n labels a class."""

import jax
import numpy as np


def check_labels(y: np.ndarray, *, classes: int, what: str) -> np.ndarray:
    """int32 [n] labels in 0..classes-1, or a ValueError that says what is wrong with `what`, "the training set"."""
    y = np.asarray(y)
    if y.ndim != 1 or not y.size:
        raise ValueError(
            f"{what} needs one label for each of at least one example, its labels have the shape {y.shape}"
        )
    missing = int(np.sum(y < 0))
    if missing:
        raise ValueError(
            f"{missing} of the {y.size} examples of {what} have no label (-1): evaluate on a labeled dataset, "
            "or switch the evaluation off"
        )
    if int(y.max()) >= classes:
        raise ValueError(f"{what} has the label {int(y.max())}, but there are {classes} classes (0..{classes - 1})")
    return y.astype(np.int32)


def _ranks(key: jax.Array, y: np.ndarray) -> np.ndarray:
    """int [n]: the place of each example in a random order of its own class."""
    order = np.asarray(jax.random.permutation(key, y.size))
    shuffled = y[order]
    by_class = np.argsort(shuffled, kind="stable")
    counts = np.bincount(y)
    place = np.concatenate([np.arange(count) for count in counts])
    ranks = np.empty(y.size, np.int64)
    ranks[order[by_class]] = place
    return ranks


def per_class(key: jax.Array, y: np.ndarray, count: int, *, classes: int) -> np.ndarray:
    """bool [n]: `count` random examples of each class; the choices of one key are nested in `count`.

    Raises ValueError where a class has fewer.
    """
    have = np.bincount(y, minlength=classes)
    if have.min() < count:
        raise ValueError(
            f"{count} labels a class are asked for, but class {int(have.argmin())} has only {int(have.min())} "
            "examples: ask for fewer or evaluate on more data"
        )
    return _ranks(key, y) < count


def folds(key: jax.Array, y: np.ndarray, count: int) -> np.ndarray:
    """int [n] in 0..count-1: a random partition in which the parts have equal shares of each class, within one.

    Classes start at different folds, so that sets with few examples a class give parts of nearly equal size.
    """
    starts = np.cumsum(np.bincount(y)) - np.bincount(y)
    return (_ranks(key, y) + starts[y]) % count
