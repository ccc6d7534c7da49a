"""Passes over the data: which are due, and one of them run over all examples."""

import collections
import time
from collections.abc import Callable
from typing import NamedTuple

import jax

from ssl_jax.config import durations
from ssl_jax.config.durations import Clock
from ssl_jax.data import device, stream
from ssl_jax.run.job import Job
from ssl_jax.shard import processes
from ssl_jax.shard.program import Program
from ssl_jax.types import Key, Method, TrainState, Tree

AHEAD = 2
"""Batches that may be on their way through the device."""
EVERY = 15.0
"""Seconds between two sentences about how far a pass is."""


class Turn(NamedTuple):
    """One time that the data is read: pass number `place` of the method, for the `time`-th time in a row from 0."""

    place: int
    time: int


def check_length(duration: str, method: Method, clock: Clock) -> None:
    """Raises ValueError for a run without a step that does nothing before the first one either."""
    if not clock.total and not turns(method, 0, clock):
        raise ValueError(
            f'config.duration: "{duration}" is no step at all, and this method learns in steps alone; give a longer one'
        )


def turns(method: Method, step: int, clock: Clock) -> list[Turn]:
    """What is due after `step` steps, in order."""
    due = ((place, one) for place, one in enumerate(method.passes) if one.due(step, clock))
    return [Turn(place, time) for place, one in due for time in range(one.times)]


def key_of(key: Key, step: int, clock: Clock, turn: Turn) -> Key:
    """The key of a turn: of the purpose's key, the epoch, the place, and what else is not 0."""
    key = jax.random.fold_in(jax.random.fold_in(key, durations.epochs_done(step, clock)), turn.place)
    into = durations.into_epoch(step, clock)
    return jax.random.fold_in(jax.random.fold_in(key, into), turn.time) if into or turn.time else key


class Voice(NamedTuple):
    """What a pass talks to.

    check: is called before each batch, and may raise to end the pass, whose state is then as it was.
    ended: is called for each batch that the device has ended. say: takes a sentence about how far it is.
    """

    check: Callable[[], object] = bool
    ended: Callable[[], object] = lambda: None
    say: Callable[[str], object] = lambda sentence: None


def run(job: Job, program: Program, state: TrainState, turn: Turn, key: Key, voice: Voice = Voice()) -> TrainState:
    """The state after one turn, which uses the old one up.

    Raises ValueError where no example can be read, and where the pass refuses what it has found.
    """
    walk, one = program.passes[turn.place], job.method.passes[turn.place]
    if one.views is None:
        state = walk.finish(state, walk.start(state, key), key)
    else:
        first, each, last = jax.random.split(key, 3)
        state = walk.finish(state, over_all(job, program, state, turn, (first, each), voice), last)
    if sentence := one.refuses(state):
        raise ValueError(sentence)
    return state


def over_all(job: Job, program: Program, state: TrainState, turn: Turn, keys: tuple[Key, Key], voice: Voice) -> Tree:
    """What a turn finds in all examples."""
    one, walk = job.method.passes[turn.place], program.passes[turn.place]
    training = one.views == "train"
    host = (job.training if training else job.clean).host
    batch = job.clock.batch if training else max(job.evaluation["batch"] // program.devices, 1) * program.devices
    seed = int(jax.random.bits(keys[0]))
    local = stream.sequential(job.train, host, batch=batch, process=processes.which(), seed=seed)
    found, seen, waiting, said = walk.start(state, keys[0]), 0, collections.deque(), time.perf_counter()
    with device.put(local, program.by_example) as feed:
        for number, rows in enumerate(feed):
            voice.check()
            found, count = walk.fold(state, found, rows, jax.random.fold_in(keys[1], number))
            waiting.append(count)
            if len(waiting) > AHEAD:
                seen += int(waiting.popleft())
                voice.ended()
            if time.perf_counter() - said > EVERY:
                said = time.perf_counter()
                voice.say(f"{told(job, turn)}: {seen:,} of {job.train.size:,} examples")
    if not seen + sum(map(int, waiting)):
        raise ValueError(stream.nothing(job.train, host))
    return found


def told(job: Job, turn: Turn) -> str:
    """How a turn is called."""
    times = job.method.passes[turn.place].times
    return f"pass {turn.place + 1} of {len(job.method.passes)} over the data" + (
        f", {turn.time + 1} of {times} times" if times > 1 else ""
    )
