"""Whether frozen features tell clips in their order from the same clips with their frames in another one, by a line.

To learn from shuffled frames is Misra et al. 2016 (arXiv:1603.08561, temporal order verification), from reversed ones
Wei et al. 2018 (Learning and Using the Arrow of Time, CVPR). Here the network has learned already, and is asked.
"""

import jax
import numpy as np

from ssl_jax.evals import linear, splits

CHANCE = 0.5
"""Each clip is there in both orders."""


def impossible(clips: int) -> str:
    """Why `evaluate` cannot run on so many training clips; "" where it can."""
    return "" if clips > 1 else f"it chooses its penalty on a part of the training clips, and there is only {clips}"


def evaluate(
    key: jax.Array,
    train: tuple[np.ndarray, np.ndarray],
    test: tuple[np.ndarray, np.ndarray],
    *,
    parts: int = linear.PARTS,
) -> dict:
    """{"accuracy": the share of right answers on test, 0..1, ...}: in order or not, and how the probe was found.

    train, test: (float [n, d] of clips in order, float [n, d] of the same clips in another order). lambda is chosen on
    one of `parts` parts of the training clips, both copies of a clip on the same side. Raises ValueError where
    `impossible` has a reason.
    """
    count = len(train[0])
    if reason := impossible(count):
        raise ValueError(reason)
    held_out = splits.folds(key, np.zeros(count, np.int32), parts) == 0
    x, y = _joined(train)
    basis, fitted, details = linear.chosen(key, x, y, classes=2, held_out=np.tile(held_out, 2))
    x, y = _joined(test)
    right = linear.predict(basis, fitted, x) == y
    return {"accuracy": float(np.mean(right)), **details, "n_train": count, "n_test": len(test[0])}


def _joined(pair: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    return np.concatenate(pair), np.repeat(np.arange(2, dtype=np.int32), [len(x) for x in pair])
