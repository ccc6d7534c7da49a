"""What frozen features hold to be alike within one set: neighbors of each, pairs, and what is like nothing else."""

from collections.abc import Callable

import numpy as np

from ssl_jax.evals import knn

QUERIES = 4096
"""Examples whose neighbors are looked for at a time."""


def nearest(
    x: np.ndarray, *, k: int, say: Callable[[int, int], None] = lambda done, total: None
) -> tuple[np.ndarray, np.ndarray]:
    """[n, d] -> cosines float32 [n, k], falling, and rows int64 [n, k] of the k others that are most like each.

    A row is none of its own neighbors, and a copy of it is one. Memory beside x and the results is bounded; time grows
    with n^2. say: is told how many are done, and of how many. Raises ValueError unless 0 < k < n.
    """
    n = len(x)
    if not 0 < k < n:
        raise ValueError(f"{k} neighbors are asked for, and each of {n} examples has {n - 1} others")
    cosines, rows = np.zeros((n, k), np.float32), np.zeros((n, k), np.int64)
    for first in range(0, n, QUERIES):
        part = slice(first, min(first + QUERIES, n))
        found, index = knn.neighbors(x, x[part], k=k + 1)
        own = index == np.arange(part.start, part.stop)[:, None]
        own[:, k] |= ~own.any(1)  # of more than k copies it may be left out itself: then the last is
        cosines[part], rows[part] = (each[~own].reshape(-1, k) for each in (found, index))
        say(part.stop, n)
    return cosines, rows


def pairs(cosines: np.ndarray, rows: np.ndarray, least: float) -> tuple[np.ndarray, np.ndarray]:
    """Of `nearest`: (int [p, 2], cosines [p]) of the pairs of at least that cosine, each once, falling.

    A pair is there if one is among the k neighbors of the other.
    """
    one, place = np.nonzero(cosines >= least)
    ends = np.sort(np.stack([one, rows[one, place]], 1), 1)
    ends, first = np.unique(ends, axis=0, return_index=True)
    found = cosines[one, place][first]
    order = np.argsort(-found, kind="stable")
    return ends[order], found[order]


def distance(cosines: np.ndarray) -> np.ndarray:
    """Of `nearest`: the mean of 1 - cosine to the k neighbors, [n]; the largest are outliers.

    Angiulli and Pizzuti 2002 (PKDD, doi:10.1007/3-540-45681-3_2), who add the distances up, here of unit features.
    """
    return 1 - cosines.mean(1)
