"""Weighted k nearest neighbors on frozen features.

Wu et al. 2018 (arXiv:1805.01978, section 3.4; T 0.07, k 200) and Caron et al. 2021 (arXiv:2104.14294, k 20): cosine to
all training features, and each of the k nearest votes for its class with exp(cosine / T).
"""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from ssl_jax.evals import splits

KS = (10, 20, 50, 200)
PARTS = 5
"""Of the training set, one of which k and T are chosen on."""


def neighbors(
    bank: np.ndarray, queries: np.ndarray, *, k: int, chunk: int = 1024, block: int = 16384
) -> tuple[np.ndarray, np.ndarray]:
    """[n, d], [m, d] -> cosines [m, k], falling, and indices of bank rows int32 [m, k]; among equals the lower index.

    On the device are only `block` rows of the bank, `chunk` queries and their cosines at a time, whatever n and m are.
    Raises ValueError where the bank has fewer than k rows.
    """
    if len(bank) < k:
        raise ValueError(
            f"{k} neighbors are asked for, but there are only {len(bank)} training examples: use a lower k"
        )
    similarity = np.full((len(queries), k), -np.inf, bank.dtype)
    index = np.zeros((len(queries), k), np.int32)
    for first in range(0, len(bank), block):
        rows = _unit(bank[first : first + block])
        for i in range(0, len(queries), chunk):
            part = slice(i, i + chunk)
            similarity[part], index[part] = _merge(rows, _unit(queries[part]), similarity[part], index[part], first)
    return similarity, index


def votes(
    similarity: np.ndarray, labels: np.ndarray, *, classes: int, k: int, temperature: float, chunk: int = 8192
) -> np.ndarray:
    """Cosines [m, n >= k], falling, and the labels of those neighbors int [m, n] -> scores [m, classes].

    The scores of a query add up to one: its k weights exp(cosine / T) are divided by their sum.
    """
    scores = np.zeros((len(labels), classes), np.float64)
    for i in range(0, len(labels), chunk):
        s, y = similarity[i : i + chunk, :k].astype(np.float64), labels[i : i + chunk, :k]
        weight = np.exp((s - s[:, :1]) / temperature)
        np.add.at(scores[i : i + chunk], (np.arange(len(y))[:, None], y), weight / weight.sum(1, keepdims=True))
    return scores


def impossible(y: np.ndarray, *, ks: Sequence[int] = KS, parts: int = PARTS) -> str:
    """Why `evaluate` cannot run on training labels int [n]; "" where it can."""
    fits = int(np.sum(splits.folds(jax.random.key(0), y, parts) != 0))
    if fits >= min(ks):
        return ""
    return f"it wants {min(ks)} neighbors, and {fits} of the {len(y)} training images are left for its validation part"


def evaluate(
    key: jax.Array,
    train: tuple[np.ndarray, np.ndarray],
    test: tuple[np.ndarray, np.ndarray],
    *,
    classes: int,
    ks: Sequence[int] = KS,
    temperatures: Sequence[float] = (0.07, 0.1),
    parts: int = PARTS,
) -> dict:
    """Top-1 on test with the k and T that did best on one of `parts` parts of train, against the other parts.

    train, test: (float [n, d], int [n]). A k above the number of the other parts' examples is left out; of equals the
    smaller k, then the earlier T is taken. Accuracies are in 0..1. Raises ValueError where no k is left.
    """
    (x, y), (test_x, test_y) = train, test
    held_out = splits.folds(key, y, parts) == 0
    fits = sorted(k for k in ks if k <= np.sum(~held_out))
    if not fits:
        raise ValueError(f"kNN with k of at least {min(ks)} needs more than {len(y)} training examples")
    choices = [(k, temperature) for k in fits for temperature in temperatures]
    similarity, index = neighbors(x[~held_out], x[held_out], k=fits[-1])
    validation = [
        _accuracy(similarity, y[~held_out][index], y[held_out], classes=classes, k=k, temperature=temperature)
        for k, temperature in choices
    ]
    k, temperature = choices[int(np.argmax(validation))]
    similarity, index = neighbors(x, test_x, k=k)
    return {
        "accuracy": _accuracy(similarity, y[index], test_y, classes=classes, k=k, temperature=temperature),
        "k": k,
        "temperature": temperature,
        "validation": {f"k={k}, T={t}": score for (k, t), score in zip(choices, validation, strict=True)},
    }


def _accuracy(similarity, neighbor_labels, labels, **options) -> float:
    return float(np.mean(votes(similarity, neighbor_labels, **options).argmax(1) == labels))


@jax.jit
def _unit(x):
    return x * jax.lax.rsqrt(jnp.maximum(jnp.sum(x * x, -1, keepdims=True), 1e-24))


@jax.jit
def _merge(rows, queries, similarity, index, offset):
    """The k best of k found so far, which come first among equals, and the new rows."""
    k = similarity.shape[1]
    new = jnp.dot(queries, rows.T, precision="highest")
    new, place = jax.lax.top_k(new, min(k, new.shape[1]))
    similarity, order = jax.lax.top_k(jnp.concatenate([similarity, new], 1), k)
    index = jnp.concatenate([index, place.astype(index.dtype) + offset], 1)
    return similarity, jnp.take_along_axis(index, order, 1)
