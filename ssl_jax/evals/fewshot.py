"""Few labels on frozen features: logistic regression on n labels a class, mean and std over several draws.

The setting of VISSL's low-shot probes and big_vision's few-shot evaluator (a linear head on n labels a class, several
draws), with the logistic regression of `linear.py` as the head.
"""

from collections.abc import Sequence

import jax
import numpy as np

from ssl_jax.evals import linear, splits, usable

STRENGTH = 1e-3
"""lambda as a share of the mean squared norm of the standardized features (their number of live dimensions).

Fixed, since there are no labels to spare for a choice: with 10 labels a class of Fashion-MNIST, raw pixels and random
features of 32 to 1024 dimensions, it is within a point of the best, and cross-validation inside the labels is worse.
"""


def impossible(y: np.ndarray, *, labels: int, names: Sequence[str] = ()) -> str:
    """Why `evaluate` cannot run on training labels int [n] of the classes 0..k-1; "" where it can. names: of these."""
    have = np.bincount(y)
    if have.min() >= labels:
        return ""
    least = int(have.argmin())
    return f"it wants {labels} labels a class, and class {usable.named(names, least)} has {have[least]} training images"


def evaluate(
    key: jax.Array,
    train: tuple[np.ndarray, np.ndarray],
    test: tuple[np.ndarray, np.ndarray],
    *,
    classes: int,
    labels: int,
    draws: int = 5,
) -> dict:
    """Top-1 on test after fits on `labels` labels a class: mean, std over `draws` draws, and each draw's.

    train, test: (float [n, d], int32 [n]). The key decides which examples are drawn and nothing else; draws with more
    labels contain those with fewer. The mean and std of the features, which need no labels, are those of all of train.
    Accuracies are in 0..1. Raises ValueError where a class has too few examples.
    """
    (x, y), (test_x, test_y) = train, test
    statistics = linear.statistics(x)
    penalty = STRENGTH * max(1, np.count_nonzero(statistics[1]))
    scores = []
    for draw in jax.random.split(key, draws):
        chosen = splits.per_class(draw, y, labels, classes=classes)
        basis = linear.design(x[chosen], statistics)
        fitted = linear.fit(basis, y[chosen], np.ones(len(basis.x)), penalty, classes=classes)
        scores.append(float(np.mean(linear.predict(basis, fitted, test_x) == test_y)))
    return {"accuracy": float(np.mean(scores)), "std": float(np.std(scores)), "draws": scores, "lambda": penalty}
