"""Numbers of the frozen encoder while training goes on: monitors, and the protocols of `evaluation.during`."""

import contextlib
import functools
from collections.abc import Callable

import jax
import numpy as np

from ssl_jax import monitors
from ssl_jax.paradigms import probe
from ssl_jax.run import evaluation
from ssl_jax.run.job import Job
from ssl_jax.shard import processes
from ssl_jax.shard.program import Program
from ssl_jax.types import TrainState

PREFIX = "eval/"
"""Of the names that the numbers have in the log."""
OWN = ("every", "during", "validation")
"""What of the recipe's `evaluation` is of training alone."""


def judged(job: Job) -> Job:
    """The job with what is asked for in training in the place of what is asked for at its end.

    Its protocols are those of `evaluation.during`, and its test set is `evaluation.validation` where that names one.
    """
    asked = {**job.evaluation, "final": job.evaluation["during"]}
    return job._replace(evaluation=asked, test=job.validation or job.test)


def foreseen(job: Job) -> list[str]:
    """Sentences about what training will not measure, beside those that are true of its end as well."""
    if job.every.evaluate == "never":
        return []
    known = evaluation.foreseen(job)
    return [f"in training, {sentence}" for sentence in evaluation.foreseen(judged(job)) if sentence not in known]


def during(job: Job, program: Program, state: TrainState, check: Callable = bool) -> dict[str, float]:
    """{"eval/NAME": number}: `monitors.REPORT` of training features, and the scores by `evaluation.during`.

    Every protocol reads the same features, which are made once of each set. "eval/probe" is the top-1 of the online
    probe on them, where there is one. What cannot be measured is left out. check: is called before each batch, and may
    raise to end the evaluation.
    """
    job = judged(job)
    read = functools.partial(evaluation.embedded, job, program, state=state, check=check)
    train = evaluation.some(job.train, job.evaluation["examples"])
    rows, test = read(train), functools.cache(lambda: read(job.test))
    few = evaluation.few(rows)
    found = {name: float(monitor(few)) for name, monitor in monitors.REPORT.items()}
    if evaluation.protocols(job) and evaluation.possible(job):
        with contextlib.suppress(ValueError):  # why there is no number is said at the end; a run does not stop for it
            embed = functools.partial(program.embed, state.params, state.method_state)
            of = lambda source: rows if source is train else test()  # noqa: E731
            scores, _ = evaluation.measured(job, program, train, of, embed, check)
            found |= {name: value for name, value in scores.accuracies.items() if value is not None}
            if probe.NAME in state.params and evaluation.suited(job) and evaluation.classifying(job):
                found[probe.NAME] = probed(program, state, test())
    return {f"{PREFIX}{name}": value for name, value in found.items()}


def probed(program: Program, state: TrainState, rows: evaluation.Rows) -> float:
    """Top-1 of the online probe's present weights on features of examples with a label, 0..1."""
    weights = state.params[probe.NAME]
    weights = jax.device_get(program.whole(weights) if processes.several() else weights)
    kept = rows.valid & (rows.y >= 0)
    return float(np.mean((rows.x[kept] @ weights["kernel"] + weights["bias"]).argmax(1) == rows.y[kept]))
