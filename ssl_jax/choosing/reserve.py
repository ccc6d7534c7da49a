"""What a run takes besides its steps, by doing with the fresh network what comes while it learns and at its end."""

import time
from typing import NamedTuple

from ssl_jax import loop
from ssl_jax.config import durations
from ssl_jax.run import evaluation, interval, label_free
from ssl_jax.run.evaluation import Scores
from ssl_jax.run.job import Job
from ssl_jax.shard.program import Program

PICTURES = 4.0
"""Seconds for the pictures and the checkpoint at the end, which are not measured."""


class Reserve(NamedTuple):
    """Seconds: of an evaluation while the network learns, and of all that follows the last step.

    known: what the baselines of the final table have got, which the end of the run does not measure again.
    """

    during: float
    end: float
    known: dict[str, Scores]

    def of(self, job: Job, steps: int) -> float:
        """Seconds besides the steps of a run of so many."""
        clock = job.clock._replace(total=steps)
        often = (
            0 if job.every.evaluate == "never" else (steps - 1) // max(durations.steps(job.every.evaluate, clock), 1)
        )
        return often * self.during + self.end


def measured(job: Job, program: Program) -> Reserve:
    """Measures the baselines of a job, and one evaluation."""
    seconds, known = {}, {}

    def kept(name, make):
        begun = time.perf_counter()
        known[name] = make()
        seconds[name] = time.perf_counter() - begun
        return known[name]

    state = loop.baseline(job, program)
    if evaluation.protocols(job):
        if evaluation.possible(job):
            evaluation.final(job, program, state, lambda: state, kept, names=evaluation.BASELINES[:-1])
        else:
            kept(label_free.BASELINE, lambda: label_free.baseline(job, program, state))
    begun = time.perf_counter()
    if job.every.evaluate != "never":
        interval.during(job, program, state)
    during = time.perf_counter() - begun
    random = [seconds[name] for name in ("random_init", label_free.BASELINE) if name in seconds]
    return Reserve(during, sum(random) + PICTURES, known)
