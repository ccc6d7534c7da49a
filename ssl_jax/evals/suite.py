"""The standard set of evaluations of frozen features, the same for pixels, a random and a pre-trained encoder."""

import time
from collections.abc import Sequence

import jax
import numpy as np

from ssl_jax.checks import spelling
from ssl_jax.evals import fewshot, knn, linear, splits, usable

STANDARD = ("knn", "linear", "few_shot_10")


def evaluate(
    key: jax.Array,
    train: tuple[np.ndarray, np.ndarray],
    test: tuple[np.ndarray, np.ndarray],
    *,
    classes: int,
    which: Sequence[str] = STANDARD,
) -> dict:
    """Top-1 accuracies in 0..1 by name, and under "details" what was chosen; plain numbers that json can write.

    train, test: (features [n, ...], which are flattened, and int labels [n] in 0..classes-1). which: "knn", "linear",
    "few_shot_N" for N labels a class. Hyper-parameters are chosen on parts of train (the paper's own protocols often
    choose on test), and test is read once. Everything random follows from `key`, so that several encoders are compared
    on the same draws. Raises ValueError for labels that are missing or out of range and for an unknown name.
    """
    plan = {name: _evaluation(name) for name in which}
    train, test = _checked(train, "the training set", classes), _checked(test, "the test set", classes)
    if train[0].shape[1] != test[0].shape[1]:
        raise ValueError(
            f"train has {train[0].shape[1]} features and test {test[0].shape[1]}: use the same encoder for both"
        )
    details = {}
    for name, (module, options) in plan.items():
        start = time.perf_counter()
        details[name] = module.evaluate(key, train, test, classes=classes, **options)
        details[name]["interval95"] = _interval(details[name]["accuracy"], len(test[1]))
        details[name]["seconds"] = round(time.perf_counter() - start, 2)
    sizes = {"n_train": len(train[1]), "n_test": len(test[1]), "features": train[0].shape[1], "classes": classes}
    return {**{name: details[name]["accuracy"] for name in plan}, "details": {**details, **sizes}}


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
        module, options = _evaluation(name)
        named = {"names": names} if module is fewshot else {}
        found[name] = module.impossible(train, **options, **named)
    return {name: reason for name, reason in found.items() if reason}


def _evaluation(name: str) -> tuple:
    """The name of an evaluation -> its module and options."""
    head, _, count = name.rpartition("_")
    if head == "few_shot" and count.isdigit() and int(count) > 0:
        return fewshot, {"labels": int(count)}
    if name in ("knn", "linear"):
        return {"knn": knn, "linear": linear}[name], {}
    raise ValueError(spelling.unknown(name, ("knn", "linear", "few_shot_N"), "the evaluations, with N labels a class"))


def _checked(part: tuple, what: str, classes: int) -> tuple[np.ndarray, np.ndarray]:
    x, y = np.asarray(part[0]), splits.check_labels(part[1], classes=classes, what=what)
    if len(x) != len(y):
        raise ValueError(f"{what} has {len(x)} rows of features and {len(y)} labels")
    x = x.reshape(len(x), -1).astype(np.promote_types(x.dtype, np.float32), copy=False)
    bad = int(np.sum(~np.isfinite(x).all(1)))
    if bad:
        raise ValueError(
            f"the features of {bad} of the {len(x)} examples of {what} are not finite: the encoder has diverged"
        )
    return x, y


def _interval(accuracy: float, count: int) -> float:
    """Half the width of the 95 % normal interval of a share that was measured on `count` test examples."""
    return float(1.96 * np.sqrt(accuracy * (1 - accuracy) / count))
