"""How often a network that names classes itself is right: of methods whose `embed` gives "logits" [b, classes]."""

from collections.abc import Callable

import jax
import numpy as np

from ssl_jax.config import dry_run
from ssl_jax.evals import linear
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
    return {NAME: {name: scores(job, program, make())["accuracy"] for name, make in states.items()}}


def scores(job: Job, program: Program, state: TrainState) -> dict:
    """{"accuracy": top-1 of the logits on the test images that can be read and have a class of training} and
    `linear.by_class` of them."""

    def said(views: dict) -> dict:
        return {"pool": program.embed(state.params, state.method_state, views)[LOGITS]}

    rows = evaluation.read(job, program, job.test, said)
    kept = rows.valid & (rows.y >= 0)
    right = rows.x[kept].argmax(1) == rows.y[kept]
    return {"accuracy": float(np.mean(right)), **linear.by_class(right, rows.y[kept], rows.x.shape[1])}
