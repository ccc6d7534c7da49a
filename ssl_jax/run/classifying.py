"""How often a network that names classes itself is right: of methods whose `embed` gives "logits" [b, classes]."""

from collections.abc import Callable

import jax
import numpy as np

from ssl_jax.config import dry_run
from ssl_jax.run import evaluation
from ssl_jax.run.job import Job
from ssl_jax.shard.program import Program
from ssl_jax.types import TrainState

NAME = "classifier"
LOGITS = "logits"


def possible(job: Job, program: Program) -> bool:
    """Whether the network names classes, and the test set has them; logits of single places are of codes."""
    if not evaluation.classifying(job):
        return False
    shown = dry_run.seen_clean(job.clean, job.train.parts, program.devices)
    found = jax.eval_shape(program.embed, program.state.params, program.state.method_state, shown)
    return LOGITS in found and found[LOGITS].ndim == 2


def measured(job: Job, program: Program, states: dict[str, Callable[[], TrainState]]) -> dict[str, dict[str, float]]:
    """{"classifier": {encoder: top-1 on the test set, 0..1}} of each state; {} where it is not `possible`."""
    if not possible(job, program):
        return {}
    return {NAME: {name: accuracy(job, program, make()) for name, make in states.items()}}


def accuracy(job: Job, program: Program, state: TrainState) -> float:
    """Top-1 of the logits on the test images that can be read and have a class of training."""

    def said(views: dict) -> dict:
        return {"pool": program.embed(state.params, state.method_state, views)[LOGITS]}

    rows = evaluation.read(job, program, job.test, said)
    kept = rows.valid & (rows.y >= 0)
    return float(np.mean(rows.x[kept].argmax(1) == rows.y[kept]))
