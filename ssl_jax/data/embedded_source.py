"""Sources that the package carries: `embedded/NAME.json` with the pixels beside it."""

import functools
import json
import lzma
from pathlib import Path

import numpy as np

from ssl_jax.checks import spelling
from ssl_jax.data.memory import arrays
from ssl_jax.data.source import Source

HERE = Path(__file__).parent / "embedded"
COMPUTED = ("moving_fashion_mnist", "solder_joints")
"""Datasets that are computed (`moving.py`, `joints.py`), and opened by `sources.open`."""


def embedded(text: str) -> Source:
    """`NAME` or `NAME/SPLIT` (train by default) of the embedded datasets, decoded.

    Example i has the class i modulo the number of classes, so that every beginning of the set is balanced.
    ValueError for another name or split.
    """
    name, _, split = text.partition("/")
    known = sorted(path.stem for path in HERE.glob("*.json"))
    if name not in known:
        raise ValueError(spelling.unknown(name, [*known, *COMPUTED], "the embedded datasets"))
    card = json.loads((HERE / f"{name}.json").read_text())
    split = split or "train"
    if split not in card["splits"]:
        raise ValueError(spelling.unknown(split, card["splits"], f"the splits of embedded:{name}"))
    images = pixels(name, split)
    labels = np.arange(len(images)) % len(card["classes"])
    return arrays(images, labels, name=f"embedded:{name}/{split}", classes=tuple(card["classes"]))


@functools.cache
def pixels(name: str, split: str) -> np.ndarray:
    """uint8 [n, h, w, c], read-only, classes in turn; the file holds them class after class, which packs better."""
    card = json.loads((HERE / f"{name}.json").read_text())
    packed = (HERE / f"{name}_{split}.xz").read_bytes()
    flat = np.frombuffer(lzma.decompress(packed), np.uint8)
    by_class = flat.reshape(len(card["classes"]), -1, *card["shape"])
    images = by_class.swapaxes(0, 1).reshape(-1, *card["shape"])
    images.flags.writeable = False
    return images
