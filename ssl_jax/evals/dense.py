"""Foreground against background from features of single places: a linear classifier, judged by overlaps.

The linear segmentation of frozen patch features of DINOv2 (Oquab et al. 2023, arXiv:2304.07193, section 7.4) with two
classes, at the resolution of the patches, and with the classifier of `linear` for one that is trained by steps.
"""

import jax
import numpy as np

from ssl_jax.evals import linear, usable

NAMES = ("foreground_iou", "miou")
ROWS = 20_000
"""Places that the classifier is fitted on, at most."""


def impossible(truth: np.ndarray) -> str:
    """Why `evaluate` cannot run on the places of training images, bool; "" where it can."""
    if truth.all():
        return "no image of training has a background: masks are the alpha channel of its files"
    return "" if truth.any() else "no image of training has a foreground"


def evaluate(
    key: jax.Array, train: tuple[np.ndarray, np.ndarray], test: tuple[np.ndarray, np.ndarray]
) -> dict[str, float]:
    """By `NAMES`. train, test: features float [n, l, d] of l places of n images, and bool [n, l], the foreground.

    lambda is chosen on a fifth of the places of training, and the test set is read once. Raises ValueError where
    features are not finite.
    """
    d = train[0].shape[-1]
    (x, y), (queries, truth) = ((usable.finite(f.reshape(-1, d), "places"), mask.ravel()) for f, mask in (train, test))
    few = np.asarray(jax.random.permutation(key, len(x)))[:ROWS]
    basis, fit, _ = linear.chosen(key, x[few], y[few].astype(np.int32), classes=2)
    return overlaps(linear.predict(basis, fit, queries).astype(bool), truth)


def overlaps(said: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """bool [n] twice -> what both call foreground, of what one of them does; and the mean of that and the same of the
    background. A side that neither has counts as 1."""
    sides = [(np.sum(a & b), np.sum(a | b)) for a, b in ((said, truth), (~said, ~truth))]
    foreground, background = (float(both / either) if either else 1.0 for both, either in sides)
    return dict(zip(NAMES, (foreground, (foreground + background) / 2), strict=True))
