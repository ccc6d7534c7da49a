"""What only a try tells: the batch that fits into the memory, and how long a step takes with the data it reads."""

import itertools
import time
from collections.abc import Callable
from typing import NamedTuple

import jax

from ssl_jax import loop
from ssl_jax.choosing import recipe, spans, tables
from ssl_jax.choosing.facts import Machine
from ssl_jax.choosing.recipe import Choice
from ssl_jax.config import build, dry_run, schema
from ssl_jax.data import device
from ssl_jax.run.job import Job
from ssl_jax.shard.program import Program

TRIED, LONGEST = 30, 20.0
"""Steps that are timed, at most, and seconds that they take."""
SHARE = 0.95
"""Of the time that is left for steps, what they get; checkpoints, the log and disturbances take the rest."""
FEWEST = 20
"""Steps below which a run is refused."""


class Fitted(NamedTuple):
    """A recipe, its job and its program, the lines to tell of its batch, and seconds that opening it took."""

    config: dict
    job: Job
    program: Program
    lines: list[Choice]
    opening: float


def fitted(config: dict, changes: dict[str, str], machine: Machine, say: Callable[[str], None]) -> Fitted:
    """The recipe with a batch that fits.

    changes: those of the command line, which count more; a batch of theirs is not made smaller. ValueError where not
    even the smallest batch fits.
    """
    first = config["batch"]
    while True:
        begun = time.perf_counter()
        job, program = tried(config, changes)
        opening = time.perf_counter() - begun
        batch, needed = job.clock.batch, memory(program)
        if not machine.memory or needed <= machine.memory or "batch" in changes:
            why = "you said --config.batch" if "batch" in changes else _batch_why(batch, first, job, machine)
            lines = [Choice("batch", str(batch), why), _memory_line(batch, needed, machine)]
            return Fitted(config, job, program, lines, opening)
        smaller = config["batch"] // 2 // machine.devices * machine.devices
        if smaller < max(2, machine.devices):
            raise ValueError(
                f"a step of {batch} images needs {_gib(needed)} GiB of memory and there are {_gib(machine.memory)}: "
                "take a smaller network with --net"
            )
        say(f"a batch of {batch} needs {_gib(needed)} GiB: trying {smaller}")
        config = recipe.batched(config, smaller)


def _batch_why(batch: int, first: int, job: Job, machine: Machine) -> str:
    """Why a recipe has this batch where nobody said it. first: that of the table."""
    if batch != first:
        return f"{first} do not fit into the memory"
    full = batch == tables.BATCHES[machine.platform] * machine.devices
    return f"{machine.devices} x {machine.platform}" if full else f"half of {job.train.size:,} images at most"


def tried(config: dict, changes: dict[str, str]) -> tuple[Job, Program]:
    """The job of a recipe and its functions, checked on shapes."""
    job = build.job(schema.changed(config, changes))
    dry_run.check(job.method, job.optimizer, job.training, job.clean, job.shapes, job.train.parts)
    return job, loop.compiled(job)


def memory(program: Program) -> int:
    """Bytes that a step needs of one device, as the compiler has it; 0 where it does not say."""
    key = jax.eval_shape(lambda: jax.random.key(0))
    found = program.step.trace(program.state, program.batch, key).lower().compile().memory_analysis()
    return found.argument_size_in_bytes + found.temp_size_in_bytes if found else 0


def seconds_a_step(job: Job, program: Program) -> tuple[float, float]:
    """(how long compiling took, how long a step takes then, with the reading of its images)."""
    begun = time.perf_counter()
    state, key = loop.fresh(job, program), loop.keys(job.seed)["step"]
    with device.put(loop.batches(job), program.by_example) as feed:

        def one() -> None:
            nonlocal state
            batch = next(feed)
            batch.pop("replaced")
            state, _ = program.step(state, batch, key)

        for _ in range(2):  # the first one compiles
            one()
            jax.block_until_ready(state)
        compiling, begun = time.perf_counter() - begun, time.perf_counter()
        for done in itertools.count(1):
            one()
            jax.block_until_ready(state.step)
            spent = time.perf_counter() - begun
            if done == TRIED or spent > LONGEST:
                return compiling, spent / done


def duration(seconds: float, spent: float, step: float, rest: Callable[[int], float]) -> tuple[str, Choice]:
    """How many steps there is time for. ValueError for too few.

    spent: seconds that are over, or that the run takes until its first step; step: those of one step; rest: steps ->
    seconds that a run of so many takes besides them.
    """
    least = spent + rest(FEWEST) + FEWEST * step / SHARE
    if seconds < least:
        raise ValueError(
            f"--time={spans.text(seconds)} is too short here: to look at the data and to compile takes {spent:.0f} s, "
            f"to evaluate {rest(FEWEST):.0f} s, and a step {step:.2g} s: give {spans.text(60 * (least // 60 + 1))} or "
            "more"
        )
    low, high = FEWEST, int(seconds / step) + FEWEST + 1
    while high - low > 1:  # rest grows with the steps
        middle = (low + high) // 2
        low, high = (middle, high) if spent + rest(middle) + middle * step / SHARE <= seconds else (low, middle)
    line = f"a step takes {step:.2g} s here; {spans.text(spent)} are over, {spans.text(rest(low))} are for evaluations"
    return f"{low} steps", Choice("duration", f"{low} steps", line)


def estimate(job: Job, step: float) -> Choice:
    """The duration of a run without a time, and how long that is."""
    about = spans.text(60 * max(round(job.clock.total * step / SHARE / 60), 1))
    return Choice("duration", job.config["duration"], f"{job.clock.total:,} steps of {step:.2g} s, about {about}")


def _gib(size: float) -> str:
    return f"{size / 2**30:.2g}"


def _memory_line(batch: int, needed: int, machine: Machine) -> Choice:
    there = f", {_gib(machine.memory)} GiB may be used" if machine.memory else ""
    return Choice("memory", f"{_gib(needed)} GiB", f"a step of {batch} images on each of {machine.devices}{there}")
