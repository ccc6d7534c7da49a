"""Multinomial logistic regression on frozen features: mean cross-entropy + lambda/2 ||W||^2, by L-BFGS.

The protocol of Kornblith et al. 2019 (arXiv:1805.08974, section 3.1: L-BFGS, L2 chosen on a validation part of train,
then a fit on all of train) with two differences: features are standardized, and the bias is free of the penalty.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import scipy.optimize

from ssl_jax.evals import splits

LAMBDAS = tuple(10.0 ** (1 - i / 2) for i in range(15))
"""10 to 1e-6 in half decades. On n examples, scikit-learn's C is 1 / (lambda n)."""
PARTS = 5
"""Of the training set, one of which lambda is chosen on."""


class Design(NamedTuple):
    """Standardized features in an orthonormal basis.

    x: [n, r], r = min(n, d), on the device. center, scale: [d]. rotation: [d, r], orthonormal columns.
    The basis spans the rows of x and L2 is blind to rotations, so the optimum is that of the standardized features;
    along their principal directions the second derivatives are nearly diagonal, which L-BFGS needs (see `fit`).
    """

    x: jax.Array
    center: np.ndarray
    scale: np.ndarray
    rotation: jax.Array


class Fit(NamedTuple):
    """kernel [classes, r], in the basis of the design, and bias [classes]; the objective and its largest derivative."""

    kernel: np.ndarray
    bias: np.ndarray
    objective: float
    gradient: float
    iterations: int


def statistics(x: np.ndarray, *, eps: float = 1e-6, chunk: int = 8192) -> tuple[np.ndarray, np.ndarray]:
    """[n, d] -> center [d] and scale [d] = 1 / std, in float64; the scale is 0 where std <= eps |mean|.

    A dimension that is constant in train is dropped: a test example that wakes it would else be sent to infinity.
    """
    starts = range(0, len(x), chunk)
    mean = sum(x[i : i + chunk].sum(0, dtype=np.float64) for i in starts) / len(x)
    std = np.sqrt(sum(np.square(x[i : i + chunk] - mean).sum(0) for i in starts) / len(x))
    alive = std > eps * np.abs(mean)
    return mean, np.where(alive, 1 / np.where(alive, std, 1), 0)


def design(x: np.ndarray, center_scale: tuple[np.ndarray, np.ndarray] | None = None) -> Design:
    """float [n, d] -> Design, standardized with its own statistics or with those given.

    Memory: three times that of x, and d^2 or n^2 numbers, whichever is less.
    """
    center, scale = statistics(x) if center_scale is None else center_scale
    z = jnp.asarray((x - center) * scale, x.dtype)
    if x.shape[0] >= x.shape[1]:
        rotation = _principal(z)
        return Design(_dot(z, rotation), center, scale, rotation)
    span, low = jnp.linalg.qr(z.T)  # z = low.T @ span.T
    rotation = _principal(low.T)
    return Design(_dot(low.T, rotation), center, scale, _dot(span, rotation))


def project(basis: Design, x: np.ndarray) -> jax.Array:
    """[m, d] new features -> [m, r] in the basis, standardized with the statistics of the design's own."""
    return _dot(jnp.asarray((x - basis.center) * basis.scale, x.dtype), basis.rotation)


def fit(
    basis: Design,
    y: np.ndarray,
    weight: np.ndarray,
    penalty: float,
    start: Fit | None = None,
    *,
    classes: int,
    tolerance: float = 3e-4,
) -> Fit:
    """The minimum over (W, b) of sum_i weight_i CE_i / sum_i weight_i + penalty/2 ||W||^2.

    y: int32 [n]; weight: [n] >= 0, 0 leaves an example out. Every parameter is measured in units of 1 / sqrt(its second
    derivative at `start`), which changes the path of L-BFGS and not its end: tens of iterations where standardized
    features need hundreds. Stops where no derivative in these units exceeds `tolerance`, or in the rounding.
    """
    dtype = basis.x.dtype
    data = (basis.x, jnp.asarray(y), jnp.asarray(weight / weight.sum(), dtype), jnp.asarray(penalty, dtype))
    first = np.zeros((classes, basis.x.shape[1] + 1))
    if start is not None:
        first = np.concatenate([start.kernel, start.bias[:, None]], 1)
    unit = 1 / np.sqrt(np.asarray(_curvature(jnp.asarray(first, dtype), *data), np.float64))

    def evaluate(flat):
        value, gradient = _value_and_grad(jnp.asarray(unit * flat.reshape(unit.shape), dtype), *data)
        return float(value), (unit * np.asarray(gradient)).ravel()

    end = scipy.optimize.minimize(
        evaluate,
        (first / unit).ravel(),
        jac=True,
        method="L-BFGS-B",
        options={"maxcor": 20, "maxiter": 1000, "gtol": tolerance, "ftol": 1e-10},
    )
    theta = unit * end.x.reshape(unit.shape)
    return Fit(theta[:, :-1], theta[:, -1], float(end.fun), float(np.abs(end.jac).max()), int(end.nit))


def predict(basis: Design, fitted: Fit, x: np.ndarray) -> np.ndarray:
    """[m, d] features -> int [m], the most probable class."""
    return _classes(project(basis, x), fitted)


def impossible(y: np.ndarray, *, parts: int = PARTS) -> str:
    """Why `evaluate` cannot run on training labels int [n]; "" where it can."""
    held_out = splits.folds(jax.random.key(0), y, parts) == 0
    if held_out.any() and len(np.unique(y[~held_out])) > 1:
        return ""
    return f"it chooses its penalty on a part of the training images, and there are only {len(y)}"


def evaluate(
    key: jax.Array,
    train: tuple[np.ndarray, np.ndarray],
    test: tuple[np.ndarray, np.ndarray],
    *,
    classes: int,
    lambdas: Sequence[float] = LAMBDAS,
    parts: int = PARTS,
    patience: int = 2,
) -> dict:
    """Top-1 on test of the probe whose lambda did best on one of `parts` parts of train, refitted on all of train.

    Beside it are those of `by_class`.
    train, test: (float [n, d], int32 [n]). Lambdas are tried from strong to weak, each from the end of the one before,
    until `patience` in a row did not beat the best; of equals the strongest is taken. The mean and std of the features,
    which need no labels, are those of all of train. Accuracies are in 0..1.
    """
    test_x, test_y = test
    basis, final, details = chosen(key, *train, classes=classes, lambdas=lambdas, parts=parts, patience=patience)
    right = predict(basis, final, test_x) == test_y
    return {"accuracy": float(np.mean(right)), **by_class(right, test_y, classes), **details}


def by_class(right: np.ndarray, y: np.ndarray, classes: int) -> dict:
    """{"mean_per_class": of the classes that occur, "per_class": [k], None where one does not}, in 0..1.

    right: bool [n]; y: int [n]. The first is how Caltech-101, Pets, Flowers and Aircraft are scored.
    """
    hits, counts = np.bincount(y[right], minlength=classes), np.bincount(y, minlength=classes)
    shares = [float(hit / count) if count else None for hit, count in zip(hits, counts, strict=True)]
    return {"mean_per_class": float(np.mean([s for s in shares if s is not None])), "per_class": shares}


def chosen(
    key: jax.Array,
    x: np.ndarray,
    y: np.ndarray,
    *,
    classes: int,
    lambdas: Sequence[float] = LAMBDAS,
    parts: int = PARTS,
    patience: int = 2,
    held_out: np.ndarray | None = None,
) -> tuple[Design, Fit, dict]:
    """The probe that `evaluate` tests, of float [n, d] and int32 [n], and how it was found.

    held_out: bool [n], the examples on which lambda is chosen, in the place of one of `parts` parts that `key` draws.
    """
    basis = design(x)
    held_out = splits.folds(key, y, parts) == 0 if held_out is None else held_out
    penalty, start, tried = path(
        lambdas,
        lambda penalty, start: fit(basis, y, 1.0 - held_out, penalty, start, classes=classes),
        lambda fitted: float(np.mean((_classes(basis.x, fitted) == y)[held_out])),
        patience,
    )
    final = fit(basis, y, np.ones(len(y)), penalty, start, classes=classes)
    details = {
        "train_accuracy": float(np.mean(_classes(basis.x, final) == y)),
        "lambda": penalty,
        "validation": {f"{penalty:.3g}": score for penalty, score in tried.items()},
        "gradient": final.gradient,
        "iterations": final.iterations,
    }
    return basis, final, details


def path(
    lambdas: Sequence[float], fit: Callable[[float, Any], Any], score: Callable[[Any], float], patience: int
) -> tuple[float, Any, dict[float, float]]:
    """(the lambda of the best score, its fit, the scores of all that were tried).

    fit: (lambda, the fit before it or None). From strong to weak, until `patience` in a row did not beat the best; of
    equals the strongest is taken.
    """
    fits, scores, ordered = [None], [], sorted(lambdas, reverse=True)
    for penalty in ordered:
        fits.append(fit(penalty, fits[-1]))
        scores.append(score(fits[-1]))
        best = int(np.argmax(scores))
        if len(scores) - best > patience:
            break
    return ordered[best], fits[1 + best], dict(zip(ordered, scores, strict=False))


def _principal(z: jax.Array) -> jax.Array:
    """[n, r] -> the eigenvectors of z.T z, [r, r]."""
    return jnp.asarray(np.linalg.eigh(np.asarray(_dot(z.T, z)))[1])


def _classes(x: jax.Array, fitted: Fit) -> np.ndarray:
    theta = np.concatenate([fitted.kernel, fitted.bias[:, None]], 1)
    return np.asarray(_logits(jnp.asarray(theta, x.dtype), x).argmax(-1))


def _logits(theta, x):
    """theta [classes, r + 1] this way round: the gradient then reads x along its rows too, twice as fast on CPU."""
    return jnp.einsum("kd,nd->nk", theta[:, :-1], x, precision="highest") + theta[:, -1][None]


def _objective(theta, x, y, weight, penalty):
    logits = _logits(theta, x)
    picked = jnp.sum(logits * jax.nn.one_hot(y, logits.shape[1], dtype=logits.dtype), -1)
    loss = jnp.sum(weight * (jax.nn.logsumexp(logits, -1) - picked))
    return loss + penalty / 2 * jnp.sum(jnp.square(theta[:, :-1]))


def _second_derivatives(theta, x, y, weight, penalty):
    p = jax.nn.softmax(_logits(theta, x), -1)
    spread = weight[:, None] * p * (1 - p)
    kernel = jnp.einsum("nk,nd->kd", spread, jnp.square(x), precision="highest") + penalty
    return jnp.concatenate([kernel, jnp.maximum(jnp.sum(spread, 0)[:, None], 1e-6)], 1)


_value_and_grad = jax.jit(jax.value_and_grad(_objective))
_curvature = jax.jit(_second_derivatives)
_dot = jax.jit(lambda a, b: jnp.dot(a, b, precision="highest"))
