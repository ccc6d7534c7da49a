"""One logistic regression a class against the rest, on frozen features: the linear probe of images of several classes.

Kornblith et al. 2019 (arXiv:1805.08974, section 3.1 and appendix A) for VOC 2007, scored by the mean of the 11-point
average precision, with the differences of `linear`: features are standardized, the bias is free of the penalty. One
lambda for all classes: mean cross-entropy of a class + lambda/2 |w|^2.
"""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from ssl_jax.evals import linear, newton, precision, splits, svm

TOLERANCE = 1e-4
"""Of a gradient, in units of that at zero."""


def impossible(y: np.ndarray, *, names: Sequence[str] = ()) -> str:
    """Why `evaluate` cannot run on training labels int [n] of the classes 0..k-1, or int8 [n, k]; "" where it can."""
    return svm.impossible(y, labels=2, names=tuple(names))


def fitted(basis: linear.Design, truth: np.ndarray, penalty: float, start: jax.Array | None = None) -> jax.Array:
    """theta [r + 1, k] of the regressions of each class. truth: int8 [n, k], -1 where an example does not count."""
    counted = truth >= 0
    weight = counted / np.maximum(counted.sum(0), 1)
    ridge = jnp.full((basis.x.shape[1] + 1, 1), penalty, basis.x.dtype).at[-1].set(0)
    how = dict(tolerance=TOLERANCE, loss=newton.LOGISTIC)
    return newton.against_the_rest(basis.x, truth, weight, ridge, start, **how)


def evaluate(
    key: jax.Array,
    train: tuple[np.ndarray, np.ndarray],
    test: tuple[np.ndarray, np.ndarray],
    *,
    classes: int,
    patience: int = 2,
) -> dict:
    """{"map_11_point": …} and the others of `precision.NAMES` on test, in 0..1, and the "lambda".

    train, test: (float [n, d], int32 [n] or int8 [n, k]). Lambda is chosen by the score on one of `linear.PARTS` parts
    of train, from strong to weak as in `linear.evaluate`, and the regressions are fitted again on all of it. The key
    decides which part. Raises ValueError where a class has too few.
    """
    truth, asked = svm.known(train[1], classes), svm.known(test[1], classes)
    if reason := impossible(truth):
        raise ValueError(f"regressions cannot be fitted: {reason}")
    basis, held_out = linear.design(train[0]), splits.folds(key, np.zeros(len(truth), np.int32), linear.PARTS) == 0
    seen = np.where(held_out[:, None], -1, truth)

    def score(theta: jax.Array) -> float:
        values = np.asarray(newton.decision(basis.x, theta))
        return precision.means(truth[held_out], values[held_out])["map_11_point"]

    fit = lambda penalty, start: fitted(basis, seen, penalty, start)  # noqa: E731
    penalty, start, _ = linear.path(linear.LAMBDAS, fit, score, patience)
    theta = fitted(basis, truth, penalty, start)
    found = precision.means(asked, np.asarray(newton.decision(linear.project(basis, test[0]), theta)))
    return {**found, "interval95": None, "lambda": penalty}
