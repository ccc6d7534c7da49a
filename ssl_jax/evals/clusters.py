"""How well clusters of frozen features are the classes: k-means on unit features of the test set, without labels."""

import jax
import numpy as np
import scipy.cluster.vq
import scipy.optimize

from ssl_jax.evals import centroid

STARTS, STEPS = 5, 50
"""Starts by k-means++, of which the tightest clusters are taken, and Lloyd's steps of each."""


def contingency(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """int [n], int [n] -> how often each pair of them occurs, [k, m]."""
    table = np.zeros((int(one.max()) + 1, int(other.max()) + 1), np.int64)
    np.add.at(table, (one, other), 1)
    return table


def matched(table: np.ndarray) -> float:
    """The share of examples on the diagonal once clusters are matched with classes, one to one, as well as can be."""
    rows, columns = scipy.optimize.linear_sum_assignment(table, maximize=True)
    return float(table[rows, columns].sum() / table.sum())


def normalized_information(table: np.ndarray) -> float:
    """NMI: mutual information over the mean of both entropies, 0..1; 1 where both have one class."""
    p = table / table.sum()
    rows, columns = p.sum(1), p.sum(0)
    joint = -_plogp(p).sum()
    entropies = -_plogp(rows).sum(), -_plogp(columns).sum()
    mean = sum(entropies) / 2
    return float((sum(entropies) - joint) / mean) if mean > 0 else 1.0


def adjusted_rand(table: np.ndarray) -> float:
    """ARI (Hubert and Arabie 1985): 1 for equal partitions, 0 in the mean of random ones."""
    pairs = lambda counts: (counts * (counts - 1) / 2).sum()  # noqa: E731
    both, rows, columns = pairs(table.astype(float)), pairs(table.sum(1).astype(float)), pairs(table.sum(0) * 1.0)
    n = table.sum()
    expected = rows * columns / (n * (n - 1) / 2)
    most = (rows + columns) / 2
    return float((both - expected) / (most - expected)) if most != expected else 1.0


def impossible(y: np.ndarray) -> str:
    """Why `evaluate` cannot run on test labels int [n] of the classes 0..k-1; "" where it can."""
    classes = len(np.unique(y))
    return (
        "" if len(y) >= 2 * classes else f"it wants 2 test images a class, and there are {len(y)} of {classes} classes"
    )


def evaluate(
    key: jax.Array, train: tuple[np.ndarray, np.ndarray], test: tuple[np.ndarray, np.ndarray], *, classes: int
) -> dict:
    """Of as many clusters of the test set as it has classes: matched accuracy, NMI and ARI.

    test: (float [n, d], int [n]). The labels take no part in the clusters.
    """
    x, (_, y) = centroid.unit(test[0]), np.unique(test[1], return_inverse=True)
    best = None
    for seed in np.asarray(jax.random.randint(key, (STARTS,), 0, 2**31 - 1)):
        centers, labels = scipy.cluster.vq.kmeans2(x, int(y.max()) + 1, iter=STEPS, minit="++", seed=int(seed))
        inertia = float(np.square(x - centers[labels]).sum())
        if best is None or inertia < best[0]:
            best = inertia, labels
    table = contingency(best[1], y)
    return {
        "accuracy": matched(table),
        "nmi": normalized_information(table),
        "ari": adjusted_rand(table),
        "inertia": best[0],
        "clusters": int(y.max()) + 1,
    }


def _plogp(p: np.ndarray) -> np.ndarray:
    return np.where(p > 0, p * np.log(np.where(p > 0, p, 1)), 0)
