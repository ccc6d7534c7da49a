"""How fast protocols are: kNN beside scikit-learn's brute force, and the linear probe with its whole path of penalties.

    python -m benchmarks.protocols [--bank=50000] [--queries=10000] [--width=512] [--rounds=3]

Features are made: ten classes, each a Gaussian about its mean. kNN takes turns with scikit-learn. Beside bank and
queries kNN holds blocks of 16,384 rows and 1,024 queries.
"""

import argparse
import json
import statistics
import time
from pathlib import Path

import jax
import numpy as np
from sklearn.neighbors import NearestNeighbors

from ssl_jax.evals import centroid, clusters, knn, linear, ranking

OUT = Path(__file__).parent / "results" / "protocols.json"
CLASSES, NEIGHBORS = 10, 200


def main() -> None:
    """Prints and writes seconds and ratios."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bank", type=int, default=50000)
    parser.add_argument("--queries", type=int, default=10000)
    parser.add_argument("--width", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    train, test = (made(n, options.width, seed) for seed, n in enumerate((options.bank, options.queries)))
    rounds = [beside(train[0], test[0]) for _ in range(options.rounds)]
    found = {
        "sizes": {"bank": options.bank, "queries": options.queries, "width": options.width},
        "knn_over_scikit_learn": round(statistics.median(ours / theirs for ours, theirs in rounds), 3),
        "knn_seconds": [round(ours, 2) for ours, _ in rounds],
        "scikit_learn_seconds": [round(theirs, 2) for _, theirs in rounds],
    }
    key = jax.random.key(0)
    for module in (linear, centroid, ranking, clusters):
        seconds, result = timed(lambda module=module: module.evaluate(key, train, test, classes=CLASSES))
        found[f"{module.__name__.rpartition('.')[2]}_seconds"] = round(seconds, 1)
        if module is linear:
            found["penalties"] = len(result["validation"])
    print(json.dumps(found, indent=1))
    OUT.write_text(json.dumps(found, indent=1) + "\n")


def made(n: int, width: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Features float32 [n, width] and labels; the means are those of every seed."""
    y = np.random.default_rng(seed).integers(0, CLASSES, n).astype(np.int32)
    means = np.random.default_rng(99).normal(size=(CLASSES, width))
    noise = np.random.default_rng(seed + 1).normal(size=(n, width))
    return (0.12 * means[y] + noise).astype(np.float32), y


def beside(bank: np.ndarray, queries: np.ndarray) -> tuple[float, float]:
    """Seconds of our kNN and of scikit-learn's, for the same neighbors."""
    ours, (_, index) = timed(lambda: knn.neighbors(bank, queries, k=NEIGHBORS))
    units = [centroid.unit(x).astype(np.float32) for x in (bank, queries)]
    brute = NearestNeighbors(n_neighbors=NEIGHBORS, algorithm="brute", metric="cosine").fit(units[0])
    theirs, other = timed(lambda: brute.kneighbors(units[1], return_distance=False))
    shared = np.mean([len(np.intersect1d(a, b)) / NEIGHBORS for a, b in zip(index[:100], other[:100], strict=True)])
    assert shared > 0.99, f"only {shared:.1%} of the neighbors are the same"
    return ours, theirs


def timed(function) -> tuple[float, object]:
    """Seconds, and what it gives."""
    start = time.perf_counter()
    result = function()
    return time.perf_counter() - start, result


if __name__ == "__main__":
    main()
