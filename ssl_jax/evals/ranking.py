"""Are the images of its class what a test image finds first in train: mean average precision, and recall at k.

By cosine, over the whole ranking. Recall counts a query whose class is among the k nearest, as in metric learning
(arXiv:1511.06452, section 5).
"""

import jax
import numpy as np

from ssl_jax.evals import centroid

CUTS = (1, 5, 10)
QUERIES, CHUNK = 2000, 256
"""Test examples that ask, at most, drawn evenly; and how many of them are ranked at a time."""


def impossible(y: np.ndarray) -> str:
    """Why `evaluate` cannot run on training labels int [n] of the classes 0..k-1: it always can."""
    return ""


def precisions(order: np.ndarray) -> np.ndarray:
    """bool [q, n], whether each candidate of a ranking is right -> average precision [q]; 0 where none is."""
    hits = order.cumsum(1)
    at = hits / np.arange(1, order.shape[1] + 1)
    return (at * order).sum(1) / np.maximum(hits[:, -1], 1)


def evaluate(
    key: jax.Array, train: tuple[np.ndarray, np.ndarray], test: tuple[np.ndarray, np.ndarray], *, classes: int
) -> dict:
    """{"map", "recall@1", ...} in 0..1 of up to `QUERIES` test images among all of train; of equals the first in train
    comes first. Only `CHUNK` queries' rankings are there at a time. key: decides which test images ask."""
    bank, labels = centroid.unit(train[0]), train[1]
    chosen = np.sort(np.asarray(jax.random.permutation(key, len(test[1])))[:QUERIES])
    asked, truth = centroid.unit(test[0][chosen]), test[1][chosen]
    total, recalled = 0.0, dict.fromkeys(CUTS, 0)
    for start in range(0, len(asked), CHUNK):
        rows = slice(start, start + CHUNK)
        order = np.argsort(-(asked[rows] @ bank.T), axis=1, kind="stable")
        right = labels[order] == truth[rows, None]
        total += precisions(right).sum()
        for k in CUTS:
            recalled[k] += int(right[:, :k].any(1).sum())
    recalls = {f"recall@{k}": hits / len(asked) for k, hits in recalled.items()}
    return {"map": float(total / len(asked)), **recalls, "queries": len(asked)}
