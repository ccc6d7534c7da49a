"""Recordings of a pulse that are made up, and the real ones if they are there."""

from pathlib import Path

import numpy as np
import pytest

SERIES = Path("../shared/data/series")
real = pytest.mark.skipif(not SERIES.exists(), reason="needs ../shared/data/series")


def beating(bpm: float, *, seconds: float, rate: float, seed: int = 0) -> np.ndarray:
    """float32 [t, 1]: a peak a beat, a dicrotic wave of a third of it behind, and a little noise."""
    time = np.arange(round(seconds * rate)) / rate
    phase = time * bpm / 60 % 1
    wave = np.exp(-(((phase - 0.3) / 0.07) ** 2)) + 0.35 * np.exp(-(((phase - 0.65) / 0.08) ** 2))
    noise = np.random.default_rng(seed).normal(0, 0.01, len(time))
    return (500 + 300 * (wave + noise)).astype(np.float32)[:, None]


def written(path: Path, readings: np.ndarray) -> Path:
    """A CSV of one column without a header."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join("" if np.isnan(x) else f"{x:.3f}" for x in readings.ravel()) + "\n")
    return path
