"""Few labels on frozen features by ridge regression onto +-1, in closed form: big_vision's few-shot evaluator.

Its settings (arXiv:2010.11929, section 4.1, and code): features standardized by the labeled examples alone, a
constant of 100 beside them for the bias, lambda 2^10, the mean over three draws.
"""

import jax
import numpy as np
import scipy.linalg

from ssl_jax.evals import fewshot, splits

PENALTY, BIAS, DRAWS, EPSILON = 2.0**10, 100.0, 3, 1e-5

impossible = fewshot.impossible


def fit(x: np.ndarray, y: np.ndarray, penalty: float) -> np.ndarray:
    """W [d, k] of the least ||x W - y||^2 + penalty ||W||^2, in float64; x: [n, d], y: [n, k].

    By the smaller of the two systems of equations: that of n examples where there are fewer of these than dimensions.
    """
    if len(x) < x.shape[1]:
        return x.T @ scipy.linalg.solve(x @ x.T + penalty * np.eye(len(x)), y, assume_a="pos")
    return scipy.linalg.solve(x.T @ x + penalty * np.eye(x.shape[1]), x.T @ y, assume_a="pos")


def evaluate(
    key: jax.Array,
    train: tuple[np.ndarray, np.ndarray],
    test: tuple[np.ndarray, np.ndarray],
    *,
    classes: int,
    labels: int,
) -> dict:
    """Top-1 on test, in 0..1, of fits on `labels` labels a class: mean, std over the draws, and each draw's.

    train, test: (float [n, d], int [n]). The draws are those of `fewshot` with the same key. Raises ValueError where a
    class has too few examples.
    """
    (x, y), (test_x, test_y) = train, test
    scores = []
    for draw in jax.random.split(key, DRAWS):
        chosen = splits.per_class(draw, y, labels, classes=classes)
        few = x[chosen].astype(np.float64)
        mean, std = few.mean(0), few.std(0) + EPSILON
        known, asked = (_with_bias((part - mean) / std) for part in (few, test_x.astype(np.float64)))
        kernel = fit(known, 2.0 * np.eye(classes)[y[chosen]] - 1, PENALTY)
        scores.append(float(np.mean((asked @ kernel).argmax(1) == test_y)))
    return {"accuracy": float(np.mean(scores)), "std": float(np.std(scores)), "draws": scores, "lambda": PENALTY}


def _with_bias(x: np.ndarray) -> np.ndarray:
    return np.concatenate([x, np.full((len(x), 1), BIAS)], 1)
