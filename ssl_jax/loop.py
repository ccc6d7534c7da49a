"""The one loop: stream -> step -> log, evaluate, save. Nothing in it knows a method or a config."""

import contextlib
import itertools
import signal
import sys
import threading
from collections.abc import Iterator

import jax
import numpy as np

from ssl_jax import durations, evaluation
from ssl_jax.checkpoint import Checkpoints
from ssl_jax.data import device, stream
from ssl_jax.job import Job
from ssl_jax.log import Writer
from ssl_jax.shard import mesh as meshes
from ssl_jax.shard import program as programs
from ssl_jax.shard.program import Program
from ssl_jax.types import Key, TrainState

PURPOSES = ("init", "step", "epoch")
"""What the run needs randomness for; nothing random is ever saved."""
SETTLING = 50
"""Forward passes after which 0.9 ** 50, half a percent, is left of what batch statistics were."""


def keys(seed: int) -> dict[str, Key]:
    """One key for each purpose."""
    return dict(zip(PURPOSES, jax.random.split(jax.random.key(seed), len(PURPOSES)), strict=True))


def compiled(job: Job) -> Program:
    """The job's functions on the job's mesh."""
    meshes.one_device_a_core(job.clock.batch)
    mesh = meshes.make(**job.mesh)
    return programs.build(job.method, job.optimizer, job.training.device, job.clean.device, job.shapes, mesh)


def fresh(job: Job, program: Program) -> TrainState:
    """The state before the first step."""
    return program.init(keys(job.seed)["init"])


def baseline(job: Job, program: Program) -> TrainState:
    """The random network that results are compared with: the state before the first step, its batch statistics settled.

    Untouched statistics (mean 0, variance 1) would make it weaker than random networks are.
    """
    state, key = fresh(job, program), keys(job.seed)["step"]
    source = stream.batches(job.train, job.training.host, batch=job.clock.batch, seed=job.seed)
    with device.put(source, program.by_example) as feed:
        for batch in itertools.islice(feed, SETTLING):
            batch.pop("replaced")
            state = program.settle(state, batch, key)
    return state


def train(job: Job, program: Program, workdir: str) -> tuple[TrainState, int]:
    """Runs the job to its end, or to SIGTERM or SIGINT, from the newest checkpoint of the work directory.

    Gives the last state and its step. A signal ends the step that runs, saves, and returns; the same command goes on.
    """
    total, key = job.clock.total, keys(job.seed)
    with contextlib.ExitStack() as stack:
        saved = stack.enter_context(contextlib.closing(Checkpoints(f"{workdir}/checkpoints", job.keep)))
        state, step = saved.resume(program.state, say=complain) or (fresh(job, program), 0)
        if step >= total:
            return state, step
        writer = stack.enter_context(Writer(workdir, start=step, total=total, batch=job.clock.batch))
        stop = stack.enter_context(stopped_by_signals())
        source = stream.batches(job.train, job.training.host, batch=job.clock.batch, seed=job.seed, start=step)
        feed = stack.enter_context(device.put(source, program.by_example))
        while step < total and not stop.is_set():
            state = epoch_tasks(job, program, state, step, key["epoch"])
            batch = next(feed)
            report_replaced(job, writer, step, batch.pop("replaced"))
            state, metrics = program.step(state, batch, key["step"])
            step += 1
            if durations.due(job.every.log, step, job.clock) or step in (1, total):
                rates = {name: schedule(step - 1) for name, schedule in job.logged.items()}
                writer.write(step, {**metrics, **rates}, waited=feed.waited)
            if durations.due(job.every.evaluate, step, job.clock) and step < total:
                writer.add(step, evaluation.during(job, program, state))
            due = durations.due(job.every.checkpoint, step, job.clock) or job.keep.due(step)
            if due or step == total or stop.is_set():
                writer.flush()  # rows up to a step are on disk before its checkpoint is, so that none is missing later
                saved.save(state, step, writer.latest)
        saved.wait()
    return state, step


def epoch_tasks(job: Job, program: Program, state: TrainState, step: int, key: Key) -> TrainState:
    """What the method does between epochs, before the first step of an epoch; a function of the step alone."""
    epoch = durations.epochs_done(step, job.clock)
    if step and epoch == durations.epochs_done(step - 1, job.clock):
        return state
    for place, task in enumerate(job.method.epoch_tasks):
        if task.due(epoch):
            state = program.tasks[place](state, jax.random.fold_in(jax.random.fold_in(key, epoch), place))
    return state


def complain(sentence: str) -> None:
    """Something that a person should know and that does not stop the run, to stderr."""
    print(f"ssl-jax: {sentence}", file=sys.stderr, flush=True)


def report_replaced(job: Job, writer: Writer, step: int, replaced: np.ndarray) -> None:
    """Names the images that could not be read and that others stand for."""
    bad = replaced[replaced >= 0]
    if bad.size:
        names = ", ".join(job.train.describe(int(i)) for i in bad[:3]) + (", …" if bad.size > 3 else "")
        writer.note(f"step {step + 1}: {bad.size} unreadable images replaced by their successors: {names}")


@contextlib.contextmanager
def stopped_by_signals() -> Iterator[threading.Event]:
    """An event that SIGTERM and the first SIGINT set; a second SIGINT interrupts at once."""
    stop = threading.Event()

    def handle(number, frame):
        if stop.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        stop.set()

    if threading.current_thread() is not threading.main_thread():
        yield stop  # only the main thread may listen
        return
    before = {number: signal.signal(number, handle) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, old in before.items():
            signal.signal(number, old)
