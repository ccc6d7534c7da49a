"""Frozen features of a job's data, and what can be read off them: in the loop and at the end."""

import contextlib
import functools
from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ssl_jax import monitors
from ssl_jax.data import device, stream
from ssl_jax.data.sources import Source, labeled, subset
from ssl_jax.evals import features, raw, suite, usable
from ssl_jax.run import matching
from ssl_jax.run.job import Job
from ssl_jax.shard import processes
from ssl_jax.shard.program import Program
from ssl_jax.types import TrainState

MONITORED = 4096
"""Embeddings that the monitors look at: `monitors.uniformity` takes the square of them in memory."""
UNLEARNED = tuple(sorted({each.name for each in raw.RAW.values()}, reverse=True))
BASELINES = (*UNLEARNED, "random_init", "pretrained")
"""What a table compares: the data without a network, by its kind, the encoder before training, the encoder after it."""
CHANCE = "chance"
"""Beside them, where there is retrieval: what embeddings get that know nothing."""
FINAL = {"all": suite.STANDARD, "knn": ("knn",), "none": ()}
"""The values of `evaluation.final`, and the protocols that they stand for; of pairs, retrieval in the place of kNN."""
PROTOCOLS = (*matching.NAMES, *FINAL["all"])


def some(source: Source, limit: int) -> Source:
    """The source, or `limit` examples of it where it has more: the same ones at every call."""
    if source.size <= limit:
        return source
    # Drawn, not taken at even distances: the classes of a dataset may come in turn.
    return subset(source, np.sort(jax.random.permutation(jax.random.key(0), source.size)[:limit]))


def possible(job: Job) -> bool:
    """Whether anything can be measured on a test set: with labels in both sets, or of pairs."""
    return classifying(job) or matching.possible(job)


def classifying(job: Job) -> bool:
    """Whether accuracies can be measured: there is a test set, and both sets have labels."""
    return job.test is not None and all(map(labeled, (job.train, job.test)))


def foreseen(job: Job) -> list[str]:
    """Sentences about what the final evaluation will not measure, as far as labels are known before it."""
    train = some(job.train, job.evaluation["examples"])
    if not classifying(job) or train.labels is None or job.test.labels is None:
        return []
    reasons = _impossible(job, usable.of(train.labels, job.test.labels), train.labels, job.test.labels, suited(job))
    return [f"{name} will not be measured: {reason}" for name, reason in reasons.items()]


def protocols(job: Job) -> tuple[str, ...]:
    """What the recipe's `evaluation.final` asks for."""
    asked = FINAL[job.evaluation["final"]]
    if not matching.possible(job):
        return asked
    return (*(matching.NAMES if asked else ()), *(suited(job) if classifying(job) else ()))


def suited(job: Job) -> tuple[str, ...]:
    """Those of `protocols` that are accuracies."""
    pairs = matching.possible(job)
    return tuple(name for name in FINAL[job.evaluation["final"]] if not (pairs and name == "knn"))


class Rows(NamedTuple):
    """Features of a source, a row an example: float32 [n, d], labels int32 [n], and which could be read, bool [n]."""

    x: np.ndarray
    y: np.ndarray
    valid: np.ndarray


def read(job: Job, program: Program, source: Source, embed: Callable, check: Callable = bool) -> Rows:
    """Features of all examples of a source, NaN where an image cannot be read.

    embed: {group: clean views [b, 1, ...] as the host makes them} -> {"pool": [b, d]}. check: is called before each
    batch, and may raise. Raises ValueError where no image can be read.
    """
    batch = max(job.evaluation["batch"] // program.devices, 1) * program.devices
    local = stream.sequential(source, job.clean.host, batch=batch, process=processes.which())
    # Where one process holds all, nothing is gathered: two programs with collectives in flight can block each other on
    # a CPU, which has fewer threads than they have participants.
    whole = program.whole if processes.several() else lambda tree: tree
    groups = tuple(job.clean.inputs.values())
    with device.put(local, program.by_example) as batches:
        known = ({k: b[k] for k in (*groups, "label", "mask", "valid")} for b in batches if not check())
        parts = ({"inputs": {group: b.pop(group) for group in groups}, **whole(b)} for b in known)
        found = Rows(*features.extract(lambda views: whole({"pool": embed(views)["pool"]}), parts))
    if not found.valid.any():
        raise ValueError(stream.nothing(source, job.clean.host))
    return found


def embedded(job: Job, program: Program, source: Source, state: TrainState, check: Callable = bool) -> Rows:
    """Pooled features of the frozen encoder."""
    return read(job, program, source, lambda views: program.embed(state.params, state.method_state, views), check)


def unlearned(job: Job, program: Program, source: Source) -> Rows:
    """What the clean views are without a network (`evals/raw.py`), side by side; texts have no part in it."""

    @jax.jit
    def of(views: dict) -> dict:
        rows = [raw.RAW[part].of(views[group][:, 0]) for part, group in job.clean.inputs.items() if part in raw.RAW]
        return {"pool": rows[0] if len(rows) == 1 else jnp.concatenate(rows, 1)}

    return read(job, program, source, of)


def matched(job: Job, program: Program, embed: Callable | None, check: Callable = bool) -> tuple[dict, dict]:
    """`matching.scores` of the test set. embed: clean views by group -> projections; None for raw pixels."""
    rows = read(job, program, job.test, matching.joined(job, embed), check)
    return matching.scores(job, rows.x[rows.valid], texts=embed is not None)


class Scores(NamedTuple):
    """accuracies: by protocol, in 0..1, None where there is none. reasons: why there is none, by protocol.

    left_out: examples that took no part, {"train": {reason: examples}, "test": …}.
    """

    accuracies: dict[str, float | None]
    reasons: dict[str, str]
    left_out: dict[str, dict[str, int]]


def scored(job: Job, train: Rows, test: Rows, which: Sequence[str]) -> Scores:
    """Accuracies of features, of the protocols that can run on what could be read and has a class of training.

    Raises ValueError where features are not finite: the encoder has diverged.
    """
    part = usable.of(train.y, test.y, train_valid=train.valid, test_valid=test.valid)
    reasons = _impossible(job, part, train.y, test.y, which)
    can = [name for name in which if name not in reasons]
    both = [(rows.x[mask], part.numbered(rows.y[mask])) for rows, mask in ((train, part.train), (test, part.test))]
    found = suite.evaluate(jax.random.key(job.seed), *both, classes=len(part.classes), which=can) if can else {}
    return Scores({name: found.get(name) for name in which}, reasons, part.left_out)


def _impossible(job: Job, part: usable.Usable, train: np.ndarray, test: np.ndarray, which: Sequence[str]) -> dict:
    """{protocol: why it cannot run}."""
    known = job.train.classes
    names = [known[number] if number < len(known) else str(number) for number in part.classes]
    numbers = (part.numbered(y[mask]) for y, mask in ((train, part.train), (test, part.test)))
    return suite.impossible(*numbers, which=which, names=names)


def during(job: Job, program: Program, state: TrainState, check: Callable = bool) -> dict[str, float]:
    """Numbers for the log, while training goes on: `monitors.REPORT`, and kNN accuracy where it can be measured.

    check: is called before each batch, and may raise to end the evaluation.
    """
    rows = embedded(job, program, some(job.train, job.evaluation["examples"]), state, check)
    x = rows.x[rows.valid]
    few = x[np.linspace(0, len(x) - 1, min(MONITORED, len(x))).astype(int)]
    out = {f"eval/{name}": float(monitor(few)) for name, monitor in monitors.REPORT.items()}
    if matching.possible(job):
        embed = functools.partial(program.embed, state.params, state.method_state)
        out |= {
            f"eval/{name}": value for name, value in matched(job, program, embed, check)[0].items() if value is not None
        }
    elif possible(job):
        with contextlib.suppress(ValueError):  # why there is no number is said at the end; a run does not stop for it
            found = scored(job, rows, embedded(job, program, job.test, state, check), ("knn",)).accuracies["knn"]
            out |= {} if found is None else {"eval/knn": found}
    return out


def final(
    job: Job,
    program: Program,
    state: TrainState,
    random: Callable[[], TrainState],
    cached: Callable = lambda name, make: make(),
) -> dict:
    """{"knn": {"raw_pixels": …, "random_init": …, "pretrained": …}, …, "not_measured": {…}, "left_out": {…}}

    Of points there is "d2_histogram" in the place of "raw_pixels". Of pairs there are recalls in the place of kNN,
    "text_to_image@1" and the like, with "chance" beside the baselines. An accuracy that cannot be measured is None, and
    `not_measured` has the reason under the name of the protocol, or of the encoder. left_out: examples that took no
    part, as `Scores` has them. random: makes the state of the same job before anything was learned. cached: (name of a
    baseline, what makes its scores) -> scores.
    """
    train, which, columns, why = some(job.train, job.evaluation["examples"]), protocols(job), {}, {}
    accuracies = tuple(name for name in which if name not in matching.NAMES)
    own = next(raw.RAW[part].name for part in job.clean.inputs if part in raw.RAW)
    readers = {
        own: lambda: (functools.partial(unlearned, job, program), None),
        "random_init": lambda: of_state(random()),
        "pretrained": lambda: of_state(state),
    }

    def of_state(state: TrainState) -> tuple[Callable, Callable]:
        reader = functools.partial(embedded, job, program, state=state)
        return reader, lambda views: program.embed(state.params, state.method_state, views)

    def measured(name: str) -> Scores:
        reader, embed = readers[name]()
        found = Scores({}, {}, {})
        if accuracies:
            found = scored(job, reader(source=train), reader(source=job.test), accuracies)
        if matching.possible(job):
            recalls, levels = matched(job, program, embed)
            columns[CHANCE] = dict.fromkeys(which) | levels
            found = found._replace(accuracies={**recalls, **found.accuracies})
        return found

    left_out = {}
    for name in readers:
        make = functools.partial(measured, name)
        try:
            scores = make() if name == "pretrained" else cached(name, make)
        except ValueError as error:
            columns[name], why = dict.fromkeys(which), why | {name: str(error)}
            continue
        columns[name], why, left_out = scores.accuracies, why | scores.reasons, scores.left_out
    table = {protocol: {name: column[protocol] for name, column in columns.items()} for protocol in which}
    return {**table, "not_measured": why, "left_out": left_out}
