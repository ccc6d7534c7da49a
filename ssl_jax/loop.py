"""The one loop: stream -> step -> log, evaluate, save. Nothing in it knows a method or a config."""

import contextlib
import functools
import itertools
from collections.abc import Callable, Iterator
from typing import NamedTuple

import jax
import numpy as np

from ssl_jax.config import durations
from ssl_jax.data import device, stream
from ssl_jax.process.goodput import Goodput
from ssl_jax.process.stopping import Interrupted, Stop
from ssl_jax.reporting import trackers
from ssl_jax.reporting.display import complain
from ssl_jax.reporting.log import Writer, amend, evaluated, reached
from ssl_jax.run import interval, passing
from ssl_jax.run.health import Health
from ssl_jax.run.job import Job
from ssl_jax.shard import mesh as meshes
from ssl_jax.shard import processes
from ssl_jax.shard import program as programs
from ssl_jax.shard.program import Program
from ssl_jax.step import DRAWN
from ssl_jax.storage.checkpoint import Checkpoints
from ssl_jax.types import Key, TrainState

PURPOSES = ("init", "step", "pass")
"""What the run needs randomness for; nothing random is ever saved."""
PASSED = "passes"
"""What a checkpoint calls the turns of passes that are done at its step."""
CALIBRATION = 50
"""Forward passes after which 0.9 ** 50, half a percent, is left of what batch statistics were."""


def keys(seed: int) -> dict[str, Key]:
    """One key for each purpose."""
    return dict(zip(PURPOSES, jax.random.split(jax.random.key(seed), len(PURPOSES)), strict=True))


def compiled(job: Job) -> Program:
    """The job's functions on the job's mesh."""
    mesh = meshes.make(**job.mesh)
    views = job.training.device, job.clean.device
    return programs.build(job.method, job.optimizer, *views, job.shapes, mesh, inputs=job.clean.inputs)


def fresh(job: Job, program: Program) -> TrainState:
    """The state before the first step."""
    return program.init(keys(job.seed)["init"])


def baseline(job: Job, program: Program) -> TrainState:
    """The random network that results are compared with: the fresh state, but with the batch statistics of the data.

    Untouched statistics (mean 0, variance 1) would make it weaker than random networks are.
    """
    state, key = fresh(job, program), keys(job.seed)["step"]
    with device.put(batches(job), program.by_example) as feed:
        for batch in itertools.islice(feed, CALIBRATION):
            batch.pop("replaced")
            state = program.calibrate(state, batch, key)
    return state


def batches(job: Job, start: int = 0, batch: int | None = None) -> Iterator[dict[str, np.ndarray]]:
    """This process's share of the training batches from step `start` on; of another size the examples are the same."""
    options = {"batch": batch or job.clock.batch, "seed": job.seed, "start": start, "process": processes.which()}
    return stream.batches(job.train, job.training.host, **options)


class Run(NamedTuple):
    """What the loop talks to while it goes round."""

    saved: Checkpoints
    writer: Writer
    health: Health
    feed: device.Feed
    spent: Goodput
    stop: Stop
    ended: Callable[[], None]


def train(
    job: Job,
    program: Program,
    workdir: str,
    spent: Goodput,
    stop: Stop,
    ended: Callable[[], None] = lambda: None,
    started: Callable[[TrainState], TrainState] = lambda state: state,
) -> tuple[TrainState, int]:
    """Runs the job to its end, or until it shall stop, from the newest whole checkpoint of the work directory.

    Gives the last state and its step. A stop ends the step that runs, or an evaluation, and saves; the same command
    goes on. ended: is called for each step that the device has ended. started: what becomes of the fresh state of
    a run that begins. Raises Unhealthy where a guard ends the run,
    whose checkpoints stay as they are.
    """
    heard = functools.partial(processes.heard, seconds=job.patience)
    with contextlib.closing(Checkpoints(f"{workdir}/checkpoints", job.keep, heard=heard)) as saved:
        processes.agree({"what --workdir has of checkpoints": str(saved.steps())}, seconds=job.patience)
        state, step = saved.resume(program.state, say=complain) or (started(fresh(job, program)), 0)
        known = reached(workdir)
        passed = saved.guards(step).get(PASSED, 0) if step in saved.steps() else 0
        if step < job.clock.total or step == 0 and passed < len(passing.turns(job.method, 0, job.clock)):
            with spent.on("evaluation"):
                evaluate_missed(job, program, workdir, state, step)
            with running(job, program, workdir, saved, step, spent, stop, ended) as run:
                state, step = advance(job, program, run, state, step, known, passed)
    return state, step


@contextlib.contextmanager
def running(
    job: Job,
    program: Program,
    workdir: str,
    saved: Checkpoints,
    step: int,
    spent: Goodput,
    stop: Stop,
    ended: Callable[[], None],
) -> Iterator[Run]:
    """The log, the guards and the data of a run that goes on after `step` steps."""
    with contextlib.ExitStack() as stack:
        length = dict(start=step, total=job.clock.total, batch=job.clock.batch)
        others = trackers.opened(job.trackers, workdir, job.config, complain)
        writer = stack.enter_context(Writer(workdir, **length, trackers=others))
        reports = dict(describe=job.train.describe, say=writer.note, steps=lambda: saved.wait() or saved.steps())
        health = Health(job.health, folder=workdir, **reports, ended=ended)
        health.load_state(saved.guards(step) if step in saved.steps() else {})
        feed = stack.enter_context(device.put(batches(job, step), program.by_example))
        yield Run(saved, writer, health, feed, spent, stop, ended)


def advance(
    job: Job, program: Program, run: Run, state: TrainState, step: int, known: int, passed: int
) -> tuple[TrainState, int]:
    """Step after step, with all that is due after each.

    known: the step up to which an earlier process came. passed: the turns of passes that the state has behind it which
    are due at its step.
    """
    key, spent, stop, first = keys(job.seed), run.spent, run.stop, True
    if step == 0:
        state, passed = prepared(job, program, run, state, passed)
    while step < job.clock.total and not stop.is_set():
        state, passed = passes(job, program, run, state, step, passed)
        if stop.is_set():
            state = save(program, run, state, step, passed)
            break
        with spent.on("start-up" if first else "data wait"):
            batch = next(run.feed)
        report_replaced(job, run.writer, step, batch.pop("replaced"))
        working = "step" if step >= known else "repeated"
        with spent.on("compile" if first else working):
            state, metrics = program.step(state, batch, key["step"])
        step, passed, first, stop.idle = step + 1, 0, False, False
        stop.asked()  # once a step, so that all processes get the same answer at the same step
        spent.enter("other")  # start-up is over
        with spent.on(working):
            run.health.observe(step, metrics, batch["index"])
            if durations.due(job.every.log, step, job.clock) or step in (1, job.clock.total):
                rates = {name: schedule(step - 1) for name, schedule in job.logged.items()}
                run.writer.write(step, {**metrics, **rates}, waited=run.feed.waited)
        if durations.due(job.every.evaluate, step, job.clock) and step < job.clock.total:
            evaluate(job, program, run, state, step)
        due = (
            durations.due(job.every.checkpoint, step, job.clock) or job.keep.due(step) or run.health.rollback_due(step)
        )
        if due or step == job.clock.total or stop.is_set():
            state = save(program, run, state, step)
    if step == job.clock.total:
        draw(job, program, run, state, step)
    with spent.on("checkpoint"):
        run.saved.wait()
    return state, step


def evaluate(job: Job, program: Program, run: Run, state: TrainState, step: int) -> None:
    """Numbers of the frozen features into the log, and before the guards; none where a stop comes meanwhile."""
    with run.spent.on("evaluation"):
        try:
            numbers = interval.during(job, program, state, run.stop.check)
        except Interrupted:
            return
    run.writer.add(step, numbers)
    run.health.evaluated(step, numbers)
    draw(job, program, run, state, step)


def draw(job: Job, program: Program, run: Run, state: TrainState, step: int) -> None:
    """Pictures of what the method makes of the run's first images, if it makes any."""
    if program.draw is None:
        return
    few = -(-DRAWN // program.devices) * program.devices
    with run.spent.on("evaluation"), device.put(batches(job, batch=few), program.by_example) as feed:
        batch = next(feed)
        batch.pop("replaced")
        made = program.draw(state.params, state.method_state, batch, keys(job.seed)["step"])
        run.writer.draw(step, jax.device_get(made), job.training.views)


def evaluate_missed(job: Job, program: Program, workdir: str, state: TrainState, step: int) -> None:
    """The evaluation of `step` that a stop has left out, if one is due, into the row that is in the log already."""
    if not durations.due(job.every.evaluate, step, job.clock) or evaluated(workdir, step):
        return
    amend(workdir, step, interval.during(job, program, state))


def save(program: Program, run: Run, state: TrainState, step: int, passed: int = 0) -> TrainState:
    """The state of `step` on its way to disk, once the guards have seen all steps up to it.

    passed: the turns of passes that it has behind it of those that are due at this step. Gives the state to go on with:
    another one where the guards have the run go back.
    """
    with run.spent.on("step"):
        run.health.drain()
        run.writer.flush()  # rows up to a step are on disk before its checkpoint is, so that none is missing later
    with run.spent.on("checkpoint"):
        good, newest = run.health.rollback_step(), run.writer.latest
        if good is not None:
            state, newest = rollback(program, run.saved, good, state), {}
        run.saved.save(state, step, newest, {**run.health.state(), PASSED: passed})
    return state


def rollback(program: Program, saved: Checkpoints, good: int, state: TrainState) -> TrainState:
    """The checkpoint of step `good` in the place of a state, whose step stays: its batches are not met again."""
    jax.tree.map(lambda leaf: leaf.delete(), state._replace(step=()))  # there may be no room for two
    return saved.restore(good, program.state)._replace(step=state.step)


def prepared(job: Job, program: Program, run: Run, state: TrainState, passed: int) -> tuple[TrainState, int]:
    """As `passes` for step 0, and saves, since what comes before the first step may be long or all that there is.

    Passes that are stopped there leave nothing on disk: the same command begins them anew.
    """
    due = len(passing.turns(job.method, 0, job.clock))
    if passed < due:
        state, passed = passes(job, program, run, state, 0, passed)
        if passed == due:
            state = save(program, run, state, 0, passed)
    return state, passed


def passes(job: Job, program: Program, run: Run, state: TrainState, step: int, passed: int) -> tuple[TrainState, int]:
    """The passes that are due after `step` steps but for the first `passed` turns: the state, and the turns done.

    A function of the step alone, but that a stop ends it: the turn that it meets is left out, and done from its start
    when the run goes on.
    """
    turns = passing.turns(job.method, step, job.clock)
    voice = passing.Voice(run.stop.check, run.ended, run.writer.note)
    with run.spent.on("passes" if turns[passed:] else run.spent.bucket):
        for turn in turns[passed:]:
            key = passing.key_of(keys(job.seed)["pass"], step, job.clock, turn)
            try:
                state = passing.run(job, program, state, turn, key, voice)
            except Interrupted:
                break
            passed += 1
    return state, passed


def report_replaced(job: Job, writer: Writer, step: int, replaced: np.ndarray) -> None:
    """Names the examples that could not be read and that others stand for."""
    bad = replaced[replaced >= 0]
    if bad.size:
        names = ", ".join(job.train.describe(int(i)) for i in bad[:3]) + (", …" if bad.size > 3 else "")
        what = f"{bad.size} unreadable {job.train.noun}"
        writer.note(f"step {step + 1}: {what} replaced by their successors: {names}")
