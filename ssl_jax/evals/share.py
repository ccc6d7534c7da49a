"""A share of the labels on frozen features: logistic regression on one or ten percent of train.

The subsets of SimCLR's semi-supervised protocol (arXiv:2002.05709, section 6: balanced by class), with the network
left frozen. Those of one draw are nested: 1 % lies within 10 %.
"""

from collections.abc import Sequence

import jax
import numpy as np

from ssl_jax.evals import fewshot

DRAWS = 3


def count(y: np.ndarray, percent: int) -> int:
    """Labels a class: the share of n over the classes, at least one."""
    return max(round(len(y) * percent / 100 / (int(y.max()) + 1)), 1)


def impossible(y: np.ndarray, *, percent: int, names: Sequence[str] = ()) -> str:
    """Why `evaluate` cannot run on training labels int [n] of the classes 0..k-1; "" where it can. names: of these."""
    return fewshot.impossible(y, labels=count(y, percent), names=names)


def evaluate(
    key: jax.Array,
    train: tuple[np.ndarray, np.ndarray],
    test: tuple[np.ndarray, np.ndarray],
    *,
    classes: int,
    percent: int,
) -> dict:
    """As `fewshot.evaluate` with the labels a class that are `percent` of train, which "labels" says."""
    labels = count(train[1], percent)
    found = fewshot.evaluate(key, train, test, classes=classes, labels=labels, draws=DRAWS)
    return {**found, "labels": labels}
