"""The standard set of evaluations of frozen features, the same for pixels, a random and a pre-trained encoder."""

import inspect
import re
import time
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import NamedTuple

import jax
import numpy as np

from ssl_jax.checks import spelling
from ssl_jax.evals import (
    centroid,
    clusters,
    episodes,
    fewshot,
    knn,
    linear,
    one_vs_rest,
    ranking,
    ridge_few,
    share,
    splits,
    svm,
    usable,
)


class Protocol(NamedTuple):
    """module: has `evaluate` and `impossible`. options: what these are given, numbers of the name. reads: whose labels
    `impossible` looks at. score: the number among what `evaluate` gives that goes into a table."""

    module: ModuleType
    options: dict = {}
    reads: str = "train"
    score: str = "accuracy"


PLAIN = {
    "knn": Protocol(knn),
    "linear": Protocol(linear),
    "centroid": Protocol(centroid),
    "retrieval": Protocol(ranking, score="map"),
    "clusters": Protocol(clusters, reads="test"),
    "svm": Protocol(svm, score="map"),
    "one_vs_rest": Protocol(one_vs_rest, score="map_11_point"),
}
COUNTED = {
    "few_shot": Protocol(fewshot, {"labels": 0}),
    "ridge": Protocol(ridge_few, {"labels": 0}),
    "share": Protocol(share, {"percent": 0}),
    "episodes": Protocol(episodes, {"ways": 0, "shots": 0}, reads="test"),
    "svm": Protocol(svm, {"labels": 0}, score="map"),
}
"""Protocols with numbers behind their names, in the order of their options."""
NAMES = (*PLAIN, "few_shot_N", "ridge_N", "share_N", "episodes_N_K", "svm_N")
STANDARD = ("knn", "linear", "few_shot_10")
EVERY = (
    *("knn", "linear", "centroid", *(f"ridge_{n}" for n in (1, 5, 10, 25)), "few_shot_10", "share_1", "share_10"),
    *("episodes_5_1", "episodes_5_5", "clusters", "retrieval"),
)
"""What there is for frozen features of labeled images, with the published numbers of labels."""
SETS = {"all": STANDARD, "every": EVERY, "none": ()}
"""What one word stands for where protocols are asked for: those after each training, those of a thorough look, none."""


def words(text: str) -> list[str]:
    """What stands between the commas of a text."""
    return [word.strip() for word in text.split(",")]


def asked(text: str, more: Sequence[str] = (), accepts: Callable[[str], bool] = lambda name: False) -> tuple[str, ...]:
    """Protocols from names with commas between them, words of `SETS` among them; they may be some that `accepts`.

    more: what a message lists beside those that are here. Raises ValueError for an unknown one.
    """
    for word in words(text):
        if not (word in SETS or accepts(word)):
            protocol(word, (*SETS, *NAMES, *more))
    return tuple(dict.fromkeys(name for word in words(text) for name in SETS.get(word, (word,))))


def evaluate(
    key: jax.Array,
    train: tuple[np.ndarray, np.ndarray],
    test: tuple[np.ndarray, np.ndarray],
    *,
    classes: int,
    which: Sequence[str] = STANDARD,
) -> dict:
    """Scores in 0..1 by name, and under "details" what was chosen; plain numbers that json can write.

    train, test: (features [n, ...], which are flattened, and int labels [n] in 0..classes-1). which: of `NAMES`.
    Hyper-parameters are chosen on parts of train (the papers' own protocols often choose on test), and test is read
    once. Everything random follows from `key`, so that several encoders are compared on the same draws. Raises
    ValueError for labels that are missing or out of range and for an unknown name.
    """
    plan = {name: protocol(name) for name in which}
    train, test = _checked(train, "the training set", classes), _checked(test, "the test set", classes)
    if train[0].shape[1] != test[0].shape[1]:
        raise ValueError(
            f"train has {train[0].shape[1]} features and test {test[0].shape[1]}: use the same encoder for both"
        )
    details = {}
    for name, one in plan.items():
        start = time.perf_counter()
        found = one.module.evaluate(key, train, test, classes=classes, **one.options)
        details[name] = {"interval95": _interval(found[one.score], len(test[1])), **found}
        details[name]["seconds"] = round(time.perf_counter() - start, 2)
    sizes = {"n_train": len(train[1]), "n_test": len(test[1]), "features": train[0].shape[1], "classes": classes}
    return {**{name: details[name][one.score] for name, one in plan.items()}, "details": {**details, **sizes}}


def impossible(
    train: np.ndarray, test: np.ndarray, *, which: Sequence[str] = STANDARD, names: Sequence[str] = ()
) -> dict[str, str]:
    """{evaluation: why it cannot run} on labels int [n] and [m] of the classes 0..k-1. names: of the classes."""
    reason = ""
    if not len(train) or not len(test):
        reason = f"there is no {'test' if len(train) else 'training'} image with a class that training has"
    elif train.max() == 0:
        reason = f"there is one class, {usable.named(names, 0)}"
    if reason:
        return dict.fromkeys(which, reason)
    found = {}
    for name in which:
        one = protocol(name)
        named = {"names": names} if "names" in inspect.signature(one.module.impossible).parameters else {}
        found[name] = one.module.impossible(train if one.reads == "train" else test, **one.options, **named)
    return {name: reason for name, reason in found.items() if reason}


def protocol(name: str, known: Sequence[str] = NAMES) -> Protocol:
    """The protocol of a name, its numbers read. Raises ValueError for a name that is none; known: what it may be."""
    if name in PLAIN:
        return PLAIN[name]
    head, *numbers = re.split(r"_(?=\d)", name)
    if head in COUNTED and all(number.isdigit() and int(number) > 0 for number in numbers):
        known = COUNTED[head]
        if len(numbers) == len(known.options):
            return known._replace(options=dict(zip(known.options, map(int, numbers), strict=True)))
    raise ValueError(spelling.unknown(name, known, "the protocols, with numbers in the place of N and K"))


def known(name: str) -> bool:
    """Whether it is the name of a protocol."""
    try:
        return bool(protocol(name))
    except ValueError:
        return False


def chance(name: str, train: np.ndarray, test: np.ndarray) -> float | None:
    """What who knows nothing scores on test labels int [m], by saying the most frequent class of train, int [n]; of
    episodes one by the ways, of average precision the classes' mean share of test; None where that is no matter of a
    guess."""
    one = protocol(name)
    if one.module is episodes:
        return 1 / one.options["ways"]
    if one.module in (clusters, ranking):
        return None
    if one.module in (svm, one_vs_rest):
        return 1 / len(np.unique(test))
    return float(np.mean(test == np.bincount(train).argmax()))


def _checked(part: tuple, what: str, classes: int) -> tuple[np.ndarray, np.ndarray]:
    x, y = np.asarray(part[0]), splits.check_labels(part[1], classes=classes, what=what)
    if len(x) != len(y):
        raise ValueError(f"{what} has {len(x)} rows of features and {len(y)} labels")
    x = usable.finite(x, f"examples of {what}")
    return x.astype(np.promote_types(x.dtype, np.float32), copy=False), y


def _interval(accuracy: float, count: int) -> float:
    """Half the width of the 95 % normal interval of a share that was measured on `count` test examples."""
    return float(1.96 * np.sqrt(accuracy * (1 - accuracy) / count))
