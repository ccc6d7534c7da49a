"""Ridge regression on frozen features: ||Y - XW - b||^2 + lambda n ||W||^2 in closed form, and how well it predicts.

The linear probe of a regression (as after arXiv:2210.01189, whose code trains it by steps): features and
targets are standardized on train, lambda is chosen on a held-out part of train, then all of train is fitted.
"""

from collections.abc import Sequence

import numpy as np
import scipy.linalg
import scipy.stats

from ssl_jax.evals import linear, usable

LAMBDAS = tuple(10.0 ** (2 - i / 2) for i in range(17))
"""100 to 1e-6 in half decades. On n examples, scikit-learn's alpha is lambda n."""
NAMES = ("mae", "rmse", "r2", "spearman")
BLOCKS, EVERY = 25, 5
"""Stretches of neighboring examples, and how many have one that is held out."""
FEWEST = 20
"""Training examples."""


def held_out(n: int) -> np.ndarray:
    """bool [n]: every fifth of 25 stretches. Neighbors may show the same moment of a recording, so they stay
    together."""
    return np.arange(n) * BLOCKS // n % EVERY == EVERY // 2


def fit(x: np.ndarray, y: np.ndarray, penalties: Sequence[float]) -> list[tuple[np.ndarray, np.ndarray]]:
    """For each lambda (W [d, k], b [k]) in float64 of the least ||y - x W - b||^2 + lambda n ||W||^2.

    x: [n, d]; y: [n, k]. One decomposition of the smaller of the two Gram matrices does for all.
    """
    x, y = x.astype(np.float64), y.astype(np.float64)
    center, mean = x.mean(0), y.mean(0)
    x, y = x - center, y - mean
    wide = x.shape[1] > len(x)
    values, basis = scipy.linalg.eigh(x @ x.T if wide else x.T @ x)
    values = np.maximum(values, 0)
    right = basis.T @ (y if wide else x.T @ y)
    found = []
    for penalty in penalties:
        kernel = basis @ (right / (values + penalty * len(x))[:, None])
        kernel = x.T @ kernel if wide else kernel
        found.append((kernel, mean - center @ kernel))
    return found


def scores(truth: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """Of numbers [n, k], each a mean over the k: mean absolute error and root of the mean square, in units of the
    target; R² = 1 - squared error / that of the mean of `truth`, at most 1; Spearman's rank correlation, -1..1.

    A constant prediction has the rank correlation 0. Raises ValueError where a target of `truth` is constant.
    """
    gap = np.square(predicted - truth).mean(0)
    spread = truth.var(0)
    if not (spread > 0).all():
        raise ValueError("the test targets are all alike, so that R² has no meaning")
    ranks = [np.apply_along_axis(scipy.stats.rankdata, 0, a) for a in (truth, predicted)]
    alive = ranks[1].std(0) > 0
    centered = [r - r.mean(0) for r in ranks]
    correlation = (centered[0] * centered[1]).mean(0) / np.where(alive, ranks[0].std(0) * ranks[1].std(0), 1)
    found = (np.abs(predicted - truth), np.sqrt(gap), 1 - gap / spread, np.where(alive, correlation, 0))
    return {name: float(np.mean(value)) for name, value in zip(NAMES, found, strict=True)}


def impossible(train: np.ndarray, test: np.ndarray) -> str:
    """Why targets float [n, k] and [m, k] give no scores; "" where they do."""
    if len(train) < FEWEST:
        return f"it wants {FEWEST} training examples with a target, and there are {len(train)}"
    if len(test) < 2:
        return f"it wants 2 test examples with a target, and there are {len(test)}"
    for what, y in (("training", train), ("test", test)):
        if not (y.std(0) > 0).all():
            return f"the {what} targets are all alike"
    return ""


def mean_of(train: np.ndarray, test: np.ndarray) -> dict[str, float]:
    """The scores on test of who says the training mean to everything."""
    return scores(test, np.broadcast_to(train.mean(0), test.shape))


def evaluate(train: tuple[np.ndarray, np.ndarray], test: tuple[np.ndarray, np.ndarray]) -> dict[str, float]:
    """The scores on test by name, and "lambda", that of all with the least squared error on the held-out part of train.

    train, test: (features [n, ...], which are flattened, targets [n, k] without NaN). Test is read once. Raises
    ValueError for features that are not finite.
    """
    x, test_x = (usable.finite(p[0], f"examples of the {s} set") for p, s in ((train, "training"), (test, "test")))
    y, test_y = (np.asarray(part[1], np.float64) for part in (train, test))
    center, scale = linear.statistics(x)
    x, test_x = (x - center) * scale, (test_x - center) * scale
    mean, std = y.mean(0), y.std(0)
    y, out = (y - mean) / std, held_out(len(x))
    tried = [np.square(x[out] @ kernel + bias - y[out]).mean() for kernel, bias in fit(x[~out], y[~out], LAMBDAS)]
    best = LAMBDAS[int(np.argmin(tried))]
    ((kernel, bias),) = fit(x, y, [best])
    return {**scores(test_y, (test_x @ kernel + bias) * std + mean), "lambda": best}
