"""What goes wrong in a run: each function takes a job and returns one with the fault in it."""

import ctypes
import os
import sys
import time

import jax
import jax.numpy as jnp

from ssl_jax import loop
from ssl_jax.run import evaluation
from ssl_jax.run.job import Job
from ssl_jax.storage.checkpoint import Checkpoints

BAD_EXAMPLE = 13
BAD_STEP = 5
"""Updates done when the fault begins."""


def mark(text: str) -> None:
    """A line for whoever waits to send a signal."""
    print(f"FAULT {text}", file=sys.stderr, flush=True)


def none(job: Job) -> Job:
    """No fault."""
    return job


def slow(job: Job) -> Job:
    """Batches say so and take some time, so that there is a middle to be killed in."""

    def before(step):
        mark("batch")
        time.sleep(0.1)

    return _batches(job, before)


def nan_in_a_batch(job: Job) -> Job:
    """The pixels of one example are NaN on the device."""
    whole = job.training.device

    def device(key, batch):
        out = whole(key, batch)
        if "index" not in batch:  # the contact sheet has none
            return out
        bad = (batch["index"] == BAD_EXAMPLE)[:, None, None, None, None]
        return {**out, "global": jnp.where(bad, jnp.nan, out["global"])}

    return job._replace(training=job.training._replace(device=device))


def nan_in_the_gradient(job: Job) -> Job:
    """From a step on gradients are NaN and the loss is not."""

    def loss(params, state, batch, key, step):
        value, aux = job.method.loss(params, state, batch, key, step)
        return value + 0 * _nan_slope(params["encoder"]["w"][0, 0], step >= BAD_STEP), aux

    return job._replace(method=job.method._replace(loss=loss))


@jax.custom_jvp
def _nan_slope(x, bad):
    return x


@_nan_slope.defjvp
def _(primals, tangents):
    return primals[0], jnp.where(primals[1], jnp.nan, 1.0) * tangents[0]


def collapse(job: Job, steps: range = range(10**6)) -> Job:
    """Features that do not depend on the image, by the monitor, once as many updates are done as `steps` has."""

    def loss(params, state, batch, key, step):
        value, aux = job.method.loss(params, state, batch, key, step)
        flat = (step >= steps.start) & (step < steps.stop)
        std = jnp.where(flat, 0.001, aux.metrics["monitor/std"])
        return value, aux._replace(metrics={**aux.metrics, "monitor/std": std})

    return job._replace(method=job.method._replace(loss=loss))


def collapse_for_a_while(job: Job) -> Job:
    """The steps 6 to 9 look collapsed."""
    return collapse(job, range(BAD_STEP, BAD_STEP + 4))


def hang_in_the_data(job: Job) -> Job:
    """A batch that never comes."""
    return _batches(job, lambda step: step == BAD_STEP and time.sleep(1000))


def hang_before_the_first_batch(job: Job) -> Job:
    """The first batch never comes."""
    return _batches(job, lambda step: time.sleep(1000))


def hang_with_the_lock(job: Job) -> Job:
    """Foreign code that neither ends nor gives Python's lock back."""

    def describe(step):
        if int(step) == BAD_STEP:
            time.sleep(5)  # the watchdog has seen by now that steps end
            ctypes.PyDLL(None).sleep(1000)
        return jnp.float32(0)

    return job._replace(logged={"lr": describe})


def endless_compilation(job: Job) -> Job:
    """Foreign code that runs for ever before the first step, out of reach of Python's signal handlers."""

    def loss(params, state, batch, key, step):
        mark("compiling")
        mutex = ctypes.create_string_buffer(64)
        library = ctypes.CDLL(None)
        library.pthread_mutex_lock(mutex)
        library.pthread_mutex_lock(mutex)
        return job.method.loss(params, state, batch, key, step)

    return job._replace(method=job.method._replace(loss=loss))


def slow_evaluation(job: Job) -> Job:
    """An evaluation that takes its time."""
    sequential = evaluation.stream.sequential

    def slowly(*args, **options):
        for batch in sequential(*args, **options):
            mark("evaluating")
            time.sleep(3)
            yield batch

    evaluation.stream.sequential = slowly
    return job


def stop_in_a_save(job: Job) -> Job:
    """Says so while a checkpoint is written."""
    save = Checkpoints.save

    def telling(self, *args):
        save(self, *args)
        mark("saving")
        time.sleep(0.5)

    Checkpoints.save = telling
    return job


def die_in_a_save(job: Job) -> Job:
    """The process dies as soon as the second checkpoint is on its way to disk."""
    save = Checkpoints.save

    def dying(self, state, step, *rest):
        save(self, state, step, *rest)
        if step == 6:
            os.kill(os.getpid(), 9)

    Checkpoints.save = dying
    return job


def _batches(job: Job, before) -> Job:
    """`before(step)` is called before each batch of training."""
    batches = loop.stream.batches

    def wrapped(*args, start=0, **options):
        for step, batch in enumerate(batches(*args, start=start, **options), start):
            before(step)
            yield batch

    loop.stream.batches = wrapped
    return job
