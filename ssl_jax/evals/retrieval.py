"""Does a query find what belongs to it: recall among the k nearest, by cosine."""

from collections.abc import Sequence

import numpy as np

from ssl_jax.evals import usable

CUTS = (1, 5, 10)
"""Ranks at which recall is read off (arXiv:2103.00020, table 13)."""
BLOCK = 1024
"""Queries that are ranked at a time."""


def recall(
    query: np.ndarray, candidates: np.ndarray, right: np.ndarray, *, ks: Sequence[int] = CUTS, apart: bool = False
) -> dict[int, float]:
    """{k: share of the queries that have a right candidate among their k nearest}, in 0..1.

    query: [q, d]; candidates: [n, d]; any norm. right: bool [q, n], which candidates belong to which query; a query
    without any does not count. apart: candidate i is query i itself, and no candidate for it.
    Ties are no luck: where m candidates have the very cosine of the best right one, r of them right, the query counts
    by the chance that one of the r comes within k if these m stand in random order. So equal embeddings score as chance
    does. Raises ValueError for features that are not finite, and where no query has a right candidate.
    """
    query, candidates = unit(query, "queries"), unit(candidates, "candidates")
    right = np.asarray(right, bool)
    allowed = ~np.eye(len(query), len(candidates), dtype=bool) if apart else np.ones(right.shape, bool)
    counted = (right & allowed).any(1)
    if not counted.any():
        raise ValueError("no query has a candidate that belongs to it")
    hits = dict.fromkeys(ks, 0.0)
    for start in range(0, len(query), BLOCK):
        rows = slice(start, start + BLOCK)
        some = counted[rows]
        parts = _blocks((query[rows] @ candidates.T)[some], right[rows][some], allowed[rows][some])
        for k in ks:
            hits[k] += float(_within(k, *parts).sum())
    return {k: hit / int(counted.sum()) for k, hit in hits.items()}


def chance(right: np.ndarray, *, ks: Sequence[int] = CUTS, apart: bool = False) -> dict[int, float]:
    """What `recall` is of embeddings that know nothing, exactly: all candidates of a query in random order."""
    return recall(np.ones((right.shape[0], 1)), np.ones((right.shape[1], 1)), right, ks=ks, apart=apart)


def unit(x: np.ndarray, what: str) -> np.ndarray:
    """[n, ...] -> float64 [n, d], each row over its norm, zero where that is. what: of what these are the features.

    Raises ValueError where they are not finite.
    """
    x = usable.finite(np.asarray(x, np.float64), what)
    # Rounded, so that equal rows stay equal whatever order a product is summed in.
    return x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-30)


def _blocks(cosines: np.ndarray, right: np.ndarray, allowed: np.ndarray) -> tuple[np.ndarray, ...]:
    """For each query: candidates that are nearer than the best right one, those as near, and the right among these."""
    cosines = np.where(allowed, np.round(cosines, 10), -np.inf)
    best = np.where(right & allowed, cosines, -np.inf).max(1, keepdims=True)
    level = (cosines == best) & allowed
    return (cosines > best).sum(1), level.sum(1), (level & right).sum(1)


def _within(k: int, above: np.ndarray, level: np.ndarray, right: np.ndarray) -> np.ndarray:
    """The chance that one of `right` among `level` candidates in random order comes within k - above places."""
    places = np.clip(k - above, 0, level)
    missed = np.ones(len(above))
    for step in range(k):
        # The next place goes to a wrong one: of level - step candidates left, level - right - step are wrong.
        left = np.maximum(level - step, 1)
        missed *= np.where(step < places, np.maximum(level - right - step, 0) / left, 1.0)
    return 1 - missed
