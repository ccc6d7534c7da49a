"""The checkpoints of a run side by side: scores of each, and whether measures without labels choose the same one."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
import scipy.stats

from ssl_jax import monitors
from ssl_jax.run import evaluation
from ssl_jax.run.job import Job
from ssl_jax.shard.program import Program
from ssl_jax.types import TrainState

CHOOSERS: dict[str, tuple[Callable, Callable[[float], float]]] = {
    "effective_rank": (monitors.effective_rank, lambda value: value),
    "alpha": (monitors.spectral_decay, lambda value: -abs(value - 1)),
    "uniformity": (monitors.uniformity, lambda value: -value),
}
"""Measures without labels, and what of each is to be large: RankMe as it is (arXiv:2210.02885), alpha near 1 (Agrawal
et al. 2022), uniformity low (arXiv:2005.10242)."""


class Compared(NamedTuple):
    """steps: one row a checkpoint, {"step": ..., name: value or None}. chosen: {measure: step}. correlation: {measure:
    {protocol: Spearman's rank correlation over the checkpoints, None below three of them or where one is constant}}."""

    steps: list[dict]
    chosen: dict[str, int]
    correlation: dict[str, dict[str, float | None]]


def measured(job: Job, program: Program, states: Iterable[tuple[int, TrainState]]) -> list[dict]:
    """One row a checkpoint: the scores of `evaluation.final`, where there can be any, and the measures without labels.

    A checkpoint whose features are not finite has None everywhere.
    """
    train, which = evaluation.some(job.train, job.evaluation["examples"]), evaluation.suited(job)
    out = []
    for step, state in states:
        row = dict.fromkeys(("step", *(which if evaluation.classifying(job) else ()), *CHOOSERS)) | {"step": step}
        rows = evaluation.embedded(job, program, train, state)
        if np.isfinite(rows.x[rows.valid]).all():
            few = evaluation.few(rows)
            row |= {name: float(measure(few)) for name, (measure, _) in CHOOSERS.items()}
            if evaluation.classifying(job):
                test = evaluation.embedded(job, program, job.test, state)
                row |= evaluation.scored(job, rows, test, which).accuracies
        out.append(row)
    return out


def compared(rows: list[dict]) -> Compared:
    """What the rows of `measured` say together. Raises ValueError where there is no row with a measure."""
    protocols = [name for name in rows[0] if name != "step" and name not in CHOOSERS] if rows else []
    chosen, correlation = {}, {}
    for name, (_, good) in CHOOSERS.items():
        able = [row for row in rows if row[name] is not None and np.isfinite(row[name])]
        if not able:
            continue
        values = [good(row[name]) for row in able]
        chosen[name] = able[int(np.argmax(values))]["step"]
        correlation[name] = {other: _spearman(values, [row[other] for row in able]) for other in protocols}
    if not chosen:
        raise ValueError("no checkpoint has features that are finite: the encoder has diverged")
    return Compared(rows, chosen, correlation)


def _spearman(one: list[float], other: list[float | None]) -> float | None:
    pairs = [(a, b) for a, b in zip(one, other, strict=True) if b is not None]
    if len(pairs) < 3 or any(len(set(column)) == 1 for column in zip(*pairs, strict=True)):
        return None
    return float(scipy.stats.spearmanr(*zip(*pairs, strict=True)).statistic)
