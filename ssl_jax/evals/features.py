"""Frozen features of a dataset, batch by batch."""

from collections.abc import Callable, Iterable

import jax
import numpy as np


def extract(embed: Callable, batches: Iterable[dict], *, key: str = "pool") -> tuple[np.ndarray, np.ndarray]:
    """The output `key` of `embed` for every real example -> (features float32 [n, d], labels int32 [n]), in order.

    embed: jitted, images float [b, h, w, c] -> dict of arrays, which this process can read whole. batches: dicts with
    "image", "label" int [b] (-1 where there is none) and "mask" bool [b], False in rows that only fill up a batch.
    On the device are at most two batches at a time. Raises ValueError for an output that is not there or not [b, d].
    """
    kept, labels, waiting = [], [], None  # a batch waits on the device while the next one is computed
    for batch in batches:
        outputs = embed(batch["image"])
        if waiting is not None:
            kept.append(_real(*waiting).astype(np.float32))
        waiting = (_pick(outputs, key), batch["mask"])
        labels.append(_real(batch["label"], batch["mask"]))
    if waiting is None:
        raise ValueError("there is no batch to take features of: the evaluation set is empty")
    kept.append(_real(*waiting).astype(np.float32))
    return np.concatenate(kept), np.concatenate(labels).astype(np.int32)


def _pick(outputs: dict, key: str) -> jax.Array:
    if key not in outputs:
        raise ValueError(f"the encoder gives no {key!r}; it gives {', '.join(sorted(outputs))}")
    if outputs[key].ndim != 2:
        raise ValueError(f"features must be [b, d], and {key!r} has the shape {outputs[key].shape}: choose pool or cls")
    return outputs[key]


def _real(rows, mask) -> np.ndarray:
    return np.asarray(rows)[np.asarray(mask)]
