"""What features of clips know of time: of one frame alone, of frames in another order, and of which order it is."""

import functools
from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ssl_jax.data import held_out
from ssl_jax.data.sources import Source, subset
from ssl_jax.evals import linear, order, raw, usable
from ssl_jax.run import evaluation, protocols, robustness
from ssl_jax.run.job import Job
from ssl_jax.shard.program import Program, jit_on
from ssl_jax.types import Array, TrainState

ONE, SHUFFLED, REVERSED = "one frame", "shuffled frames", "reversed frames"
FRAMES = protocols.FRAMES[0]
OTHER = dict(zip(protocols.FRAMES[1:], (SHUFFLED, REVERSED), strict=True))
"""From which frames each of these has to tell those in order."""
HELD_OUT = 0.2
"""The share of the training clips that `order` and `arrow` are tested on where there is no test set."""
Encoder = Callable[[dict], Array]
"""{group: clean clips [b, 1, t, h, w, c] as the host makes them} -> features [b, d]."""


def impossible(job: Job, name: str) -> str:
    """Why this one of `protocols.FRAMES` cannot be measured; "" where it can."""
    if set(job.clean.inputs) != {"clip"}:
        return f"clips alone have frames, and the encoder takes {', '.join(job.clean.inputs)}"
    if job.clean.views[0].size[0] < 2:
        return "a clip of one frame has no order"
    if name not in OTHER:
        return "" if evaluation.classifying(job) else "it wants labels in the training and the test set"
    few = job.test is None and not held_out.held(job.train, HELD_OUT).any()
    return (
        f"without a test set it is tested on a fifth of the training clips, and there are {job.train.size}"
        if few
        else ""
    )


def measured(job: Job, program: Program, states: dict[str, Callable[[], TrainState]]) -> dict:
    """What `evaluation.final` asks for of `protocols.FRAMES`: rows of `order` and `arrow`, and `frames` as
    "robustness", as `robustness.compared` has it; {} unasked.

    Columns are chance, pixels and each state. Of frames, the probe is fitted on clips in order, and test clips are one
    frame everywhere, shuffled and reversed (as in arXiv:1907.08340). None where there is no number, and "not_measured"
    has the reason by protocol or encoder.
    """
    which = [name for name in protocols.asked(job.evaluation["final"]) if name in protocols.FRAMES]
    if not which:
        return {}
    why = {name: reason for name in which if (reason := impossible(job, name))}
    can = [name for name in which if name not in why]
    made = encoders(job, program, states) if can else {}
    rows = {name: {evaluation.CHANCE: order.CHANCE, **dict.fromkeys(made)} for name in can if name in OTHER}
    rows |= {name: dict.fromkeys((evaluation.CHANCE, *states)) for name in why if name in OTHER}
    withstood, details = {}, {}
    for column, make in made.items():
        try:
            found, told = scores(job, program, make(), can)
        except ValueError as error:
            why[column] = str(error)
            continue
        withstood |= {column: robustness.drops(found)} if found else {}
        details[column] = told
        for name in told:
            rows[name][column] = told[name]["accuracy"]
    return {**rows, **({"robustness": withstood} if withstood else {}), "not_measured": why, "details": details}


def encoders(
    job: Job, program: Program, states: dict[str, Callable[[], TrainState]]
) -> dict[str, Callable[[], Encoder]]:
    """Pixels, and the network with the weights of each state, made when they are asked for."""
    (view,) = job.clean.views

    def of_state(make: Callable[[], TrainState]) -> Encoder:
        state = make()
        return lambda views: program.embed(state.params, state.method_state, views)["pool"]

    def of_pixels(features: Callable) -> Encoder:
        return jit_on(program.by_example.mesh)(lambda views: features(views[view.group][:, 0]))

    pixels = {name: functools.partial(of_pixels, features) for name, features in raw.of("clip").items()}
    return pixels | {name: functools.partial(of_state, make) for name, make in states.items()}


def scores(
    job: Job, program: Program, encoder: Encoder, which: Sequence[str]
) -> tuple[dict[str, float], dict[str, dict]]:
    """({"clean": accuracy in 0..1, "one frame": ..., ...}, {} unless `frames` is asked for; {"order": what
    `evals.order` finds, ...}). Raises ValueError where features are not finite, and where there is too little to learn
    from."""
    both = [robustness.CLEAN, *(OTHER[name] for name in which if name in OTHER)]
    every = [robustness.CLEAN, ONE, SHUFFLED, REVERSED] if FRAMES in which else both
    train, test = (seen(job, program, *part, encoder) for part in zip(_sets(job), (both, every), strict=True))
    told = {
        name: order.evaluate(
            jax.random.key(job.seed), *((s.x[robustness.CLEAN], s.x[OTHER[name]]) for s in (train, test))
        )
        for name in which
        if name in OTHER
    }
    if FRAMES not in which:
        return {}, told
    known, shown = train.y >= 0, test.y >= 0
    if reason := linear.impossible(np.unique(train.y[known], return_inverse=True)[1].astype(np.int32)):
        raise ValueError(reason)
    tests = ((title, (test.x[title][shown], test.y[shown])) for title in every)
    return robustness.accuracies(job.seed, (train.x[robustness.CLEAN][known], train.y[known]), tests), told


class Seen(NamedTuple):
    """x: {title of `orders`: float32 [n, d]} of the clips of a source that can be read. y: their labels, int32 [n]."""

    x: dict[str, np.ndarray]
    y: np.ndarray


def seen(job: Job, program: Program, source: Source, titles: Sequence[str], encoder: Encoder) -> Seen:
    """Features of each clip with its frames in each of these orders; it is read once. Raises ValueError where they are
    not finite."""
    (view,) = job.clean.views
    known = orders(source.size, view.size[0])
    jit = functools.partial(jit_on(program.by_example.mesh), out_shardings=program.by_example)
    ordered, joined = jit(_ordered), jit(lambda rows: jnp.concatenate(rows, 1))

    def embed(views: dict) -> dict:
        clips, index = views[view.group], views["index"]
        return {"pool": joined([encoder({view.group: ordered(clips, index, known[title])}) for title in titles])}

    rows = evaluation.read(job, program, source, embed, numbers=True)
    x = usable.finite(rows.x[rows.valid], "clips")
    return Seen(dict(zip(titles, np.split(x, len(titles), 1), strict=True)), rows.y[rows.valid])


def orders(count: int, frames: int) -> dict[str, np.ndarray]:
    """{"clean": int32 [count, frames], "one frame": ..., ...}: which frame stands at each place, for so many clips.

    One frame is the middle one. Shuffled ones are drawn for the number of the clip, evenly from all orders but their
    own, which one frame alone keeps.
    """
    own = np.arange(frames, dtype=np.int32)
    fixed = {robustness.CLEAN: own, ONE: np.full_like(own, frames // 2), REVERSED: own[::-1]}

    def again(state: tuple) -> tuple:
        key, drawn = jax.random.split(state[0])
        return key, jax.random.permutation(drawn, own)

    def shuffled(number: Array) -> Array:
        begun = (jax.random.fold_in(jax.random.key(0), number), jnp.asarray(own))
        return jax.lax.while_loop(lambda state: (state[1] == own).all() & (frames > 1), again, begun)[1]

    drawn = np.asarray(jax.jit(jax.vmap(shuffled))(np.arange(count)))
    return {**{title: np.broadcast_to(each, drawn.shape) for title, each in fixed.items()}, SHUFFLED: drawn}


def _ordered(clips: Array, index: Array, order: Array) -> Array:
    """Clips [b, 1, t, ...] of the examples int [b] -> their frames at the places int [n, t] of all examples."""
    places = order[index].reshape(len(index), 1, -1, *[1] * (clips.ndim - 3))
    return jnp.take_along_axis(clips, places, 2)


def _sets(job: Job) -> tuple[Source, Source]:
    """Clips to learn from and to be tested on, these up to `robustness.LIMIT`."""
    train, test = job.train, job.test
    if test is None:
        apart = held_out.held(train, HELD_OUT)
        train, test = (subset(job.train, np.flatnonzero(which)) for which in (~apart, apart))
    return evaluation.some(train, job.evaluation["examples"]), evaluation.some(test, robustness.LIMIT)
