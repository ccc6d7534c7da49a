"""Solder joints, simulated: pictures of their voids and cracks, and how long they will last.

What is modeled: a joint seen from above as a disc, as X-ray and acoustic microscopes show it; 0 to 5 voids, ellipses
of flux gas inside of it; a fatigue crack that has grown from the rim inwards, a curve with random turns; the detector's
noise, a brightness and a gradient of illumination for each picture. The target is log10 of the cycles to failure,

    LIFE - BY_VOIDS * (share of the disc that is void) - BY_CRACK * (length of the crack / radius) + scatter,

which falls with both, as thermal cycling does to real joints; its numbers are chosen and fitted to nothing. The scatter
is of what no picture shows, so that no model can reach an R² of 1. Data and target are simulated: they show that the
library's path from unlabeled pictures to a regression works, and say nothing of solder.
"""

import functools

import numpy as np
import tensorflow as tf

from ssl_jax.checks import spelling
from ssl_jax.data import memory
from ssl_jax.data.source import Source, digest
from ssl_jax.views.geometric import uniform

NAME = "solder_joints"
SIDE, RADIUS, VOIDS, TURNS = 32, 12.0, 5, 24
"""Pixels of a side, of the radius; voids at most; steps of a crack."""
SPLITS = {"train": 10_000, "test": 2_000}
LIFE, BY_VOIDS, BY_CRACK, SCATTER = 4.0, 3.0, 1.0, 0.05
METAL, VOID, CRACK, GROUND = 0.62, 0.82, 0.3, 0.12
"""Gray levels; gas lets more through than metal."""
SMOOTH = 2
"""Samples of a pixel along each side."""
CHUNK = 200
"""Pictures at a time, few enough for a processor's cache."""


def solder_joints(text: str) -> Source:
    """`SPLIT` (train by default), with `?labeled=N`: only the first N examples have a target, the others NaN; or with
    `?examples=N`: there are no others.

    Images uint8 [32, 32, 1]; targets float32 [n, 1]. ValueError for another split or option.
    """
    split, _, query = text.partition("?")
    split = split or "train"
    if split not in SPLITS:
        raise ValueError(spelling.unknown(split, SPLITS, f"the splits of embedded:{NAME}"))
    key, _, count = query.partition("=") if query else ("labeled", "", str(SPLITS[split]))
    if key not in ("labeled", "examples") or not count.isdigit() or not 1 <= int(count) <= SPLITS[split]:
        raise ValueError(f"embedded:{NAME}/{text}: write ?labeled=N or ?examples=N with N from 1 to {SPLITS[split]}")
    images, targets = (part[: int(count) if key == "examples" else None] for part in drawn(split))
    targets = np.where(np.arange(len(targets))[:, None] < int(count), targets, np.float32(np.nan))
    made = memory.arrays(images, name=f"embedded:{NAME}/{split}{f'?{query}' if query else ''}")
    same = digest(made.digest, targets.tobytes())
    return made._replace(targets=targets, digest=same, stamp=same)


@functools.cache
def drawn(split: str) -> tuple[np.ndarray, np.ndarray]:
    """All images of a split, uint8 [n, 32, 32, 1], and targets float32 [n, 1]; the same at every call."""
    shapes = _uniform(split, 1, (SPLITS[split], VOIDS * 5 + TURNS + 4))
    parts = (masks(shapes[k : k + CHUNK]) for k in range(0, len(shapes), CHUNK))
    voids, cracks, lengths = map(np.concatenate, zip(*parts, strict=True))
    shares = voids.mean((1, 2)) * (SIDE * SMOOTH) ** 2 / (np.pi * (RADIUS * SMOOTH) ** 2)
    looks = _uniform(split, 2, (len(shapes), 6))
    scatter = SCATTER * np.sqrt(12) * (looks[:, 5] - 0.5)
    target = LIFE - BY_VOIDS * shares - BY_CRACK * lengths + scatter
    rows, columns = np.mgrid[:SIDE, :SIDE] / (SIDE - 1) - 0.5
    levels = _levels(voids, cracks)
    light = 1 + 0.3 * (looks[:, 0, None, None] - 0.5)
    light = light + 0.2 * ((looks[:, 1] - 0.5)[:, None, None] * rows + (looks[:, 2] - 0.5)[:, None, None] * columns)
    noise = 0.04 * np.sqrt(12) * (_uniform(split, 3, levels.shape) - 0.5)
    images = np.clip((levels * light + noise) * 255, 0, 255).round().astype(np.uint8)
    return images[..., None], target.astype(np.float32)[:, None]


def masks(draws: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Uniform draws [n, 5 VOIDS + TURNS + 4] -> voids and cracks, bool [n, 64, 64], and lengths over the radius [n]."""
    y, x = (np.mgrid[: SIDE * SMOOTH, : SIDE * SMOOTH] + 0.5) / SMOOTH - SIDE / 2
    y, x = y.astype(np.float32), x.astype(np.float32)
    count = np.floor(draws[:, -1] * (VOIDS + 1))
    voids = np.zeros((len(draws), *y.shape), bool)
    for k in range(VOIDS):
        where, far, size, shape, turn = draws[:, 5 * k : 5 * k + 5].T.astype(np.float32)[:, :, None, None]
        long = 1 + 2.8 * size
        short = long * (0.5 + 0.5 * shape)
        away = np.sqrt(far) * (RADIUS - 1 - long)  # inside of the disc, whatever its size
        dx, dy = x - away * np.cos(2 * np.pi * where), y - away * np.sin(2 * np.pi * where)
        cos, sin = np.cos(np.pi * turn), np.sin(np.pi * turn)
        inside = ((dx * cos + dy * sin) / long) ** 2 + ((dy * cos - dx * sin) / short) ** 2 < 1
        voids |= inside & (k < count)[:, None, None]
    length = 1.2 * draws[:, -2] ** 1.5
    angle = 2 * np.pi * draws[:, -3]
    heading = angle + np.pi + 0.6 * (draws[:, -4] - 0.5)
    cracks, step = np.zeros_like(voids), length * RADIUS / TURNS
    px, py = RADIUS * np.cos(angle), RADIUS * np.sin(angle)
    for k in range(TURNS):
        heading = heading + 0.5 * (draws[:, 5 * VOIDS + k] - 0.5)
        px, py = px + step * np.cos(heading), py + step * np.sin(heading)
        _dot(cracks, px, py)
    return voids, cracks & (x**2 + y**2 < RADIUS**2), length


def _dot(canvas: np.ndarray, px: np.ndarray, py: np.ndarray) -> None:
    """Sets the samples within 0.7 pixels of the points [n], one in each picture."""
    row, column = (((p + SIDE / 2) * SMOOTH).astype(int) for p in (py, px))
    for dy, dx in np.ndindex(5, 5):
        r, c = row + dy - 2, column + dx - 2
        near = ((r + 0.5) / SMOOTH - SIDE / 2 - py) ** 2 + ((c + 0.5) / SMOOTH - SIDE / 2 - px) ** 2 < 0.5
        canvas[np.flatnonzero(near), r[near], c[near]] = True


def _levels(voids: np.ndarray, cracks: np.ndarray) -> np.ndarray:
    """Gray float32 [n, 32, 32] in 0..1, the mean of each pixel's samples; a crack is seen through a void."""
    y, x = (np.mgrid[: SIDE * SMOOTH, : SIDE * SMOOTH] + 0.5) / SMOOTH - SIDE / 2
    disc = np.where(y**2 + x**2 < RADIUS**2, np.float32(METAL), np.float32(GROUND))
    levels = np.where(cracks, np.float32(CRACK), np.where(voids, np.float32(VOID), disc))
    return levels.reshape(len(voids), SIDE, SMOOTH, SIDE, SMOOTH).mean((2, 4))


def _uniform(split: str, stream: int, shape: tuple[int, ...]) -> np.ndarray:
    seed = tf.constant([0x501D3, 4 * list(SPLITS).index(split) + stream], tf.int64)
    return uniform(seed, list(shape)).numpy()
