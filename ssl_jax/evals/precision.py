"""Average precision of one class: how far up a ranking of examples has those of the class."""

import numpy as np

NAMES = ("map", "map_11_point", "map_plain")
"""Means over classes, in the order of `averages`."""
LEVELS = np.arange(11) / 10
"""Of recall, for Pascal VOC's 11 points."""


def curve(truth: np.ndarray, score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """bool [n], float [n] -> (precision [t], recall [t]) from the highest score down; equal scores are one step.

    Raises ValueError where no example is of the class.
    """
    truth, score = np.asarray(truth, bool), np.asarray(score)
    if not truth.any():
        raise ValueError("average precision has no meaning: no example is of the class")
    order = np.argsort(-score, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(score[order]) != 0, True))
    hits = truth[order].cumsum()[ends]
    return hits / (ends + 1), hits / hits[-1]


def averages(truth: np.ndarray, score: np.ndarray) -> tuple[float, float, float]:
    """(under the highest precision at each recall or beyond, at 11 levels of recall, as it is), each in 0..1.

    The first is that of the VOC devkit from 2010 on and of VISSL, the second that of VOC 2007 (Everingham et al. 2010,
    section 4.2), the third that of scikit-learn.
    """
    precision, recall = curve(truth, score)
    gained = np.diff(recall, prepend=0)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    # The levels are reached in exact arithmetic where recall is a fraction of tenths.
    places = np.searchsorted(recall, LEVELS - 1e-9)
    return float(gained @ envelope), float(envelope[places].mean()), float(gained @ precision)


def means(known: np.ndarray, scores: np.ndarray) -> dict[str, float]:
    """By `NAMES`, over the classes that some example has. known: int [n, k], 1 has, 0 has not, -1 does not count for
    this class; scores: float [n, k]. Raises ValueError where no class has an example."""
    found = [
        averages(column[column >= 0] == 1, score[column >= 0])
        for column, score in zip(known.T, scores.T, strict=True)
        if (column == 1).any()
    ]
    if not found:
        raise ValueError("average precision has no meaning: no example has any of the classes")
    return dict(zip(NAMES, np.mean(found, 0).tolist(), strict=True))
