"""One linear SVM a class against the rest, on unit features, scored by mean average precision: VISSL's VOC07 protocol.

Its settings (Goyal et al. 2019, arXiv:1905.01235, section 5, and code): squared hinge and L2, the bias penalized too,
positives weighted twice, `COSTS`, each class with the cost of the best average precision in three folds of train. Of
few labels the code takes the cost that is best on test; here folds of the labels choose it as well.
"""

from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np

from ssl_jax.evals import centroid, linear, newton, precision, splits, usable

COSTS = (0.01, 0.1, 1.0, 2.0, 5.0, 10.0, 15.0, 20.0, 50.0, 100.0, 1000.0)
PARTS, DRAWS, POSITIVE = 3, 5, 2.0
"""Folds that choose the cost, samples of few labels, and how much a positive weighs for a negative."""
ALONE = 1.0
"""The cost where a class has one label, of which no fold can be held out."""
TOLERANCE = 1e-4
"""Of a gradient, in units of that at zero: liblinear's."""
ROOM = 2**25
"""Numbers in one array of margins, at most; more classes are fitted one block after the other."""


def known(y: np.ndarray, classes: int) -> np.ndarray:
    """int [n] labels, or int8 [n, k] as `Source.multi_hot` -> int8 [n, k], 1 has, 0 has not, -1 does not count."""
    return y if y.ndim == 2 else (y[:, None] == np.arange(classes)).astype(np.int8)


def impossible(y: np.ndarray, *, labels: int = 0, names: tuple[str, ...] = ()) -> str:
    """Why `evaluate` cannot run on training labels int [n] of the classes 0..k-1, or int8 [n, k]; "" where it can."""
    have = (known(y, int(y.max(initial=0)) + 1) == 1).sum(0)
    wanted = labels or PARTS
    if have.min() >= wanted:
        return ""
    least = int(have.argmin())
    named = usable.named(names, least)
    return f"it wants {wanted} labels a class, and class {named} has {have[least]} training images"


def evaluate(
    key: jax.Array,
    train: tuple[np.ndarray, np.ndarray],
    test: tuple[np.ndarray, np.ndarray],
    *,
    classes: int,
    labels: int = 0,
) -> dict:
    """{"map": …, "map_11_point": …, "map_plain": …} of `precision.NAMES`, in 0..1.

    train, test: (float [n, d], int32 [n] or int8 [n, k]). labels: positives a class, and so many negatives that all
    classes could have as many, drawn `DRAWS` times: the means, "std" of the first, and "draws"; 0 for all of train,
    with the "costs" of the classes. The key decides folds and draws. Raises ValueError where a class has too few.
    """
    truth, asked = known(train[1], classes), known(test[1], classes)
    if reason := impossible(truth, labels=labels):
        raise ValueError(f"SVMs cannot be fitted: {reason}")
    x, test_x = (centroid.unit(part[0]).astype(part[0].dtype) for part in (train, test))
    if not labels:
        scores, costs = _decided(key, x, truth, test_x, parts=PARTS)
        return {**precision.means(asked, scores), "interval95": None, "costs": costs}
    found = []
    for draw in jax.random.split(key, DRAWS):
        few = drawn(draw, truth, labels)
        # As many rows for every draw, so that one compiled program does for all; what is not drawn has no weight.
        rows = np.argsort((few < 0).all(1), kind="stable")[: labels * classes**2]
        scores, _ = _decided(draw, x[rows], few[rows], test_x, parts=min(PARTS, labels))
        found.append(precision.means(asked, scores))
    spread = [one["map"] for one in found]
    means = {name: float(np.mean([one[name] for one in found])) for name in precision.NAMES}
    return {**means, "interval95": None, "std": float(np.std(spread)), "draws": spread}


def drawn(key: jax.Array, truth: np.ndarray, labels: int) -> np.ndarray:
    """int8 [n, k]: of each class `labels` positives and (k - 1) times as many negatives, as far as there are; -1 else.

    What is drawn for one key is nested in `labels`.
    """
    few = np.full_like(truth, -1)
    for number, one in enumerate(jax.random.split(key, truth.shape[1])):
        order = np.asarray(jax.random.permutation(one, len(truth)))
        column = truth[order, number]
        for value, count in ((1, labels), (0, labels * max(truth.shape[1] - 1, 1))):
            few[order[column == value][:count], number] = value
    return few


def fitted(
    basis: linear.Design, truth: np.ndarray, cost: np.ndarray | float, start: jax.Array | None = None
) -> jax.Array:
    """theta [r + 1, k] of the SVMs with these costs [k], of examples that count: truth is -1 for the others."""
    weight = np.where(truth == 1, POSITIVE, 1.0) * (truth >= 0) * cost
    ridge = jnp.ones((basis.x.shape[1] + 1, 1), basis.x.dtype)
    how = dict(tolerance=TOLERANCE, loss=newton.SQUARED_HINGE)
    return newton.against_the_rest(basis.x, truth, weight, ridge, start, **how)


def _decided(
    key: jax.Array, x: np.ndarray, truth: np.ndarray, test_x: np.ndarray, *, parts: int
) -> tuple[np.ndarray, list[float]]:
    """Decision values on test [m, k], and the costs of the classes."""
    basis = linear.design(x, (np.zeros(x.shape[1]), np.ones(x.shape[1])))
    asked, scores, costs = linear.project(basis, test_x), [], []
    for block, one in _blocks(key, truth, parts):
        theta, chosen = _best(one, basis, truth[:, block], parts)
        scores.append(np.asarray(newton.decision(asked, theta)))
        costs += chosen
    return np.concatenate(scores, 1), costs


def _blocks(key: jax.Array, truth: np.ndarray, parts: int) -> Iterator[tuple[slice, jax.Array]]:
    """Classes that are fitted together, and a key for each block."""
    n, classes = truth.shape
    size = max(ROOM // (n * (parts + 1)), 1)
    for number, first in enumerate(range(0, classes, size)):
        yield slice(first, first + size), jax.random.fold_in(key, number)


def _best(key: jax.Array, basis: linear.Design, truth: np.ndarray, parts: int) -> tuple[jax.Array, list[float]]:
    """Of each class the SVM of all examples, [r + 1, k], with the cost whose mean average precision over the folds is
    best, of equals the least; and these costs. The folds' SVMs are further columns of one problem.
    """
    classes = truth.shape[1]
    if parts == 1:
        return fitted(basis, truth, ALONE), [ALONE] * classes
    folds = np.stack([_folds(one, c, parts) for one, c in zip(jax.random.split(key, classes), truth.T, strict=True)], 1)
    columns = np.concatenate([truth, *(np.where(folds == part, -1, truth) for part in range(parts))], 1)
    theta, whole, found = None, [], []
    for cost in COSTS:
        theta = fitted(basis, columns, cost, theta)
        whole.append(theta[:, :classes])
        scores = np.asarray(newton.decision(basis.x, theta[:, classes:])).reshape(len(truth), parts, classes)
        found.append([np.mean([_plain(truth, scores, folds, c, p) for p in range(parts)]) for c in range(classes)])
    best = np.argmax(found, 0)
    return jnp.stack(whole)[best, :, np.arange(classes)].T, [COSTS[number] for number in best]


def _folds(key: jax.Array, truth: np.ndarray, parts: int) -> np.ndarray:
    """int [n]: the fold of each example that counts, as `splits.folds` of one class against the rest; -1 of others."""
    out = np.full(len(truth), -1)
    out[truth >= 0] = splits.folds(key, truth[truth >= 0].astype(np.int32), parts)
    return out


def _plain(truth: np.ndarray, scores: np.ndarray, folds: np.ndarray, number: int, part: int) -> float:
    """scikit-learn's average precision of a class in the part that was held out."""
    rows = folds[:, number] == part
    return precision.averages(truth[rows, number] == 1, scores[rows, part, number])[2]
