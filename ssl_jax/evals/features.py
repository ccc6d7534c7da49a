"""Frozen features of a dataset, batch by batch."""

from collections.abc import Callable, Iterable

import jax
import numpy as np


def extract(
    embed: Callable, batches: Iterable[dict], *, key: str = "pool"
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The output `key` of `embed` -> (features float32 [n, d], labels int32 [n], valid bool [n]), in order.

    There is a row for each real example; features are NaN where `valid` is False. embed: jitted, "inputs" -> dict of
    arrays, which this process can read whole. batches: dicts with "inputs", what `embed` takes, [b, ...], "label"
    int [b] (-1 where there is none), "mask" bool [b], False in rows that only fill up a batch, and "valid" bool [b],
    False where an image could not be read. On the device are at most two batches at a time. Raises ValueError for an
    output that is not there or not [b, d].
    """
    kept, known, waiting = [], [], None  # a batch waits on the device while the next one is computed
    for batch in batches:
        outputs = embed(batch["inputs"])
        if waiting is not None:
            kept.append(_features(*waiting))
        waiting = (_pick(outputs, key), batch["mask"], batch["valid"])
        known.append([_real(batch[name], batch["mask"]) for name in ("label", "valid")])
    if waiting is None:
        raise ValueError("there is no batch to take features of: the evaluation set is empty")
    kept.append(_features(*waiting))
    labels, valid = (np.concatenate(parts) for parts in zip(*known, strict=True))
    return np.concatenate(kept), labels.astype(np.int32), valid


def _features(rows: jax.Array, mask: jax.Array, valid: jax.Array) -> np.ndarray:
    """Float32, with NaN in the place of what the network made of no image."""
    return np.where(_real(valid, mask)[:, None], _real(rows, mask).astype(np.float32), np.float32(np.nan))


def _pick(outputs: dict, key: str) -> jax.Array:
    if key not in outputs:
        raise ValueError(f"the encoder gives no {key!r}; it gives {', '.join(sorted(outputs))}")
    if outputs[key].ndim != 2:
        raise ValueError(f"features must be [b, d], and {key!r} has the shape {outputs[key].shape}: choose pool or cls")
    return outputs[key]


def _real(rows, mask) -> np.ndarray:
    return np.asarray(rows)[np.asarray(mask)]
