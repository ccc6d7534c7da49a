"""Episodes of N classes and K examples each: prototypes of unit features, and a 95 % interval over the episodes.

Snell et al. 2017 (arXiv:1703.05175, section 3) with a frozen network, cosines in the place of distances, and 15
queries a class. Support and queries are drawn from the test set; training labels are not read.
"""

from collections.abc import Sequence

import jax
import numpy as np

from ssl_jax.evals import centroid

EPISODES, QUERIES = 600, 15


def impossible(y: np.ndarray, *, ways: int, shots: int, names: Sequence[str] = ()) -> str:
    """Why `evaluate` cannot run on test labels int [n] of the classes 0..k-1; "" where it can."""
    able = int(np.sum(np.bincount(y) >= shots + QUERIES)) if len(y) else 0
    if able >= ways:
        return ""
    return f"it wants {ways} classes with {shots} + {QUERIES} test images each, and {able} have as many"


def evaluate(
    key: jax.Array,
    train: tuple[np.ndarray, np.ndarray],
    test: tuple[np.ndarray, np.ndarray],
    *,
    classes: int,
    ways: int,
    shots: int,
) -> dict:
    """Mean top-1 of the queries over the episodes, in 0..1, and half the width of its 95 % interval.

    test: (float [n, d], int [n]); the key decides all draws. Raises ValueError where too few classes are large enough.
    """
    x, y = centroid.unit(test[0]), test[1]
    if reason := impossible(y, ways=ways, shots=shots):
        raise ValueError(f"episodes of {ways} classes cannot be drawn: {reason}")
    able = np.flatnonzero(np.bincount(y, minlength=classes) >= shots + QUERIES)
    truth, scores = np.repeat(np.arange(ways), QUERIES), []
    for episode in jax.random.split(key, EPISODES):
        class_key, image_key = jax.random.split(episode)
        chosen = able[np.asarray(jax.random.permutation(class_key, len(able)))[:ways]]
        order = np.asarray(jax.random.permutation(image_key, len(y)))
        drawn = np.stack([order[y[order] == k][: shots + QUERIES] for k in chosen])
        support = centroid.unit(x[drawn[:, :shots]].mean(1))
        asked = x[drawn[:, shots:].ravel()]
        scores.append(float(np.mean((asked @ support.T).argmax(1) == truth)))
    interval = 1.96 * np.std(scores, ddof=1) / np.sqrt(EPISODES)
    return {"accuracy": float(np.mean(scores)), "interval95": float(interval), "episodes": EPISODES, "queries": QUERIES}
