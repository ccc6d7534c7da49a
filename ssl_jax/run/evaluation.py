"""Frozen features of a job's data, and what can be read off them."""

import functools
from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ssl_jax.data import device, stream
from ssl_jax.data.sources import Source, labeled, subset
from ssl_jax.evals import features, raw, suite, usable
from ssl_jax.run import matching, regressing
from ssl_jax.run import protocols as named
from ssl_jax.run.job import Job, Preprocess
from ssl_jax.shard import processes
from ssl_jax.shard.program import Program
from ssl_jax.types import TrainState

MONITORED = 4096
"""Embeddings that the monitors look at: `monitors.uniformity` takes the square of them in memory."""
BASELINES = (*raw.NAMES, "random_init", "pretrained")
"""What a table compares: the data without a network, by its kind, the encoder before training, the encoder after it."""
CHANCE = "chance"
"""Beside them: what embeddings get that know nothing."""


def some(source: Source, limit: int) -> Source:
    """The source, or `limit` examples of it where it has more: the same ones at every call."""
    return source if source.size <= limit else subset(source, drawn(source.size, limit))


def drawn(size: int, limit: int) -> np.ndarray:
    """Which examples of a source of this size those of `some` are, rising."""
    # Drawn, not taken at even distances: the classes of a dataset may come in turn.
    return np.sort(np.asarray(jax.random.permutation(jax.random.key(0), size))[:limit])


def possible(job: Job) -> bool:
    """Whether anything can be measured on a test set: with labels or targets in both sets, or of pairs."""
    return classifying(job) or matching.possible(job) or regressing.possible(job)


def classifying(job: Job) -> bool:
    """Whether accuracies can be measured: there is a test set, and both sets have labels."""
    return job.test is not None and all(map(labeled, (job.train, job.test)))


def foreseen(job: Job) -> list[str]:
    """Sentences about what the final evaluation will not measure, as far as labels are known before it."""
    train, reasons = some(job.train, job.evaluation["examples"]), {}
    if classifying(job) and train.labels is not None and job.test.labels is not None:
        part = usable.of(train.labels, job.test.labels)
        reasons = _impossible(job, part, train.labels, job.test.labels, suited(job))
    if regressing.possible(job) and (reason := regressing.impossible(train, job.test)):
        reasons[regressing.PROBE] = reason
    return [f"{name} will not be measured: {reason}" for name, reason in reasons.items()]


def protocols(job: Job) -> tuple[str, ...]:
    """What the recipe's `evaluation.final` asks for; of pairs, retrieval in the place of kNN."""
    asked = _asked(job)
    others = [part.NAMES for part in (matching, regressing) if asked and part.possible(job)]
    if not others:
        return asked
    pairs, numbers = (part.NAMES if part.NAMES in others else () for part in (matching, regressing))
    return (*pairs, *(suited(job) if classifying(job) else ()), *numbers)


def suited(job: Job) -> tuple[str, ...]:
    """Those of `protocols` that are accuracies."""
    pairs = matching.possible(job)
    return tuple(name for name in _asked(job) if not (pairs and name == "knn"))


def _asked(job: Job) -> tuple[str, ...]:
    return tuple(filter(suite.known, named.asked(job.evaluation["final"])))


class Rows(NamedTuple):
    """Features of a source, a row an example: float32 [n, d], labels int32 [n], and which could be read, bool [n]."""

    x: np.ndarray
    y: np.ndarray
    valid: np.ndarray


def read(
    job: Job,
    program: Program,
    source: Source,
    embed: Callable,
    check: Callable = bool,
    *,
    views: Preprocess | None = None,
    seed: int = 0,
    numbers: bool = False,
) -> Rows:
    """Features of all examples of a source, NaN where an image cannot be read.

    embed: {group: views [b, v, ...] as the host makes them} -> {"pool": [b, d]}. check: is called before each batch,
    and may raise. views: the clean ones, or others; seed: what random ones draw from. numbers: whether embed
    gets those of the examples, too, as "index", int32 [b]. Raises ValueError where no image can be read.
    """
    views = views or job.clean
    batch = max(job.evaluation["batch"] // program.devices, 1) * program.devices
    local = stream.sequential(source, views.host, batch=batch, process=processes.which(), seed=seed)
    # Where one process holds all, nothing is gathered: two programs with collectives in flight can block each other on
    # a CPU, which has fewer threads than they have participants.
    whole = program.whole if processes.several() else lambda tree: tree
    groups = (*{view.group: None for view in views.views}, *(("index",) if numbers else ()))
    with device.put(local, program.by_example) as batches:
        known = ({k: b[k] for k in (*groups, "label", "mask", "valid")} for b in batches if not check())
        parts = ({"inputs": {group: b.pop(group) for group in groups}, **whole(b)} for b in known)
        found = Rows(*features.extract(lambda views: whole({"pool": embed(views)["pool"]}), parts))
    if not found.valid.any():
        raise ValueError(stream.nothing(source, views.host))
    return found


def few(rows: Rows) -> np.ndarray:
    """Features of at most `MONITORED` examples that could be read, at even distances."""
    x = rows.x[rows.valid]
    return x[np.linspace(0, len(x) - 1, min(MONITORED, len(x))).astype(int)]


def embedded(job: Job, program: Program, source: Source, state: TrainState, check: Callable = bool) -> Rows:
    """Pooled features of the frozen encoder."""
    return read(job, program, source, lambda views: program.embed(state.params, state.method_state, views), check)


def unlearned(job: Job, program: Program, source: Source, name: str) -> Rows:
    """What the clean views are without a network (`evals/raw.py`), by this name, side by side."""

    @jax.jit
    def of(views: dict) -> dict:
        found = [(raw.of(part).get(name), group) for part, group in job.clean.inputs.items()]
        rows = [features(views[group][:, 0]) for features, group in found if features]
        return {"pool": rows[0] if len(rows) == 1 else jnp.concatenate(rows, 1)}

    return read(job, program, source, of)


def matched(job: Job, program: Program, embed: Callable | None, check: Callable = bool) -> tuple[dict, dict]:
    """`matching.scores` of the test set. embed: clean views by group -> projections; None for raw pixels."""
    rows = read(job, program, job.test, matching.joined(job, embed), check)
    return matching.scores(job, rows.x[rows.valid], texts=embed is not None)


class Scores(NamedTuple):
    """accuracies: by protocol, in 0..1, None where there is none; those of a regression in units of the target.

    reasons: why there is none, by protocol. left_out: examples that took no part, {"train": {reason: examples}, …}.
    details: what `suite.evaluate` says besides.
    """

    accuracies: dict[str, float | None]
    reasons: dict[str, str]
    left_out: dict[str, dict[str, int]]
    details: dict = {}


def scored(job: Job, train: Rows, test: Rows, which: Sequence[str]) -> Scores:
    """Accuracies of features, of the protocols that can run on what could be read and has a class of training.

    Raises ValueError where features are not finite: the encoder has diverged.
    """
    part = usable.of(train.y, test.y, train_valid=train.valid, test_valid=test.valid)
    reasons = _impossible(job, part, train.y, test.y, which)
    can = [name for name in which if name not in reasons]
    both = [(rows.x[mask], part.numbered(rows.y[mask])) for rows, mask in ((train, part.train), (test, part.test))]
    found = suite.evaluate(jax.random.key(job.seed), *both, classes=len(part.classes), which=can) if can else {}
    for name in can:
        del found["details"][name]["seconds"]  # it differs from one time to the next
    details = {**found.get("details", {}), CHANCE: {name: suite.chance(name, both[0][1], both[1][1]) for name in can}}
    return Scores({name: found.get(name) for name in which}, reasons, part.left_out, details)


def regressed(job: Job, source: Source, train: Rows, test: Rows) -> tuple[Scores, dict[str, float]]:
    """Scores of the linear probe on features of training examples and of the test set, and those of the mean.

    Raises ValueError where features are not finite.
    """
    sides = ((source, train.x, train.valid), (job.test, test.x, test.valid))
    left_out = {
        role: regressing.left_out(side[0], side[2]) for role, side in zip(("train", "test"), sides, strict=True)
    }
    if reason := regressing.impossible(source, job.test, train.valid, test.valid):
        return Scores(dict.fromkeys(regressing.NAMES), {regressing.PROBE: reason}, left_out), {}
    found, levels = regressing.scores(*sides)
    return Scores(found, {}, left_out), levels


def _impossible(job: Job, part: usable.Usable, train: np.ndarray, test: np.ndarray, which: Sequence[str]) -> dict:
    """{protocol: why it cannot run}."""
    known = job.train.classes
    names = [known[number] if number < len(known) else str(number) for number in part.classes]
    numbers = (part.numbered(y[mask]) for y, mask in ((train, part.train), (test, part.test)))
    return suite.impossible(*numbers, which=which, names=names)


def measured(
    job: Job,
    program: Program,
    train: Source,
    rows: Callable[[Source], Rows],
    embed: Callable | None,
    check: Callable = bool,
) -> tuple[Scores, dict[str, dict]]:
    """Scores by all `protocols`, and by column what they are of who knows nothing, "chance" and "training_mean".

    train: examples of training. rows: reads the features of these and of the test set, once each. embed, check: as of
    `matched`. Raises ValueError where features are not finite.
    """
    accuracies = tuple(name for name in protocols(job) if name not in (*matching.NAMES, *regressing.NAMES))
    parts, levels = [], {}
    if accuracies or regressing.possible(job):
        both = rows(train), rows(job.test)
    if accuracies:
        parts.append(scored(job, *both, accuracies))
        levels[CHANCE] = parts[-1].details.pop(CHANCE)
    if regressing.possible(job):
        found, levels[regressing.MEAN] = regressed(job, train, *both)
        parts.append(found)
    if matching.possible(job):
        recalls, known = matched(job, program, embed, check)
        levels[CHANCE] = levels.get(CHANCE, {}) | known
        parts.append(Scores(recalls, {}, {}))
    return _together(parts), levels


def final(
    job: Job,
    program: Program,
    state: TrainState,
    random: Callable[[], TrainState],
    cached: Callable = lambda name, make: make(),
    names: Sequence[str] = BASELINES,
) -> dict:
    """{"knn": {"raw_pixels": …, "random_init": …, "pretrained": …}, …, "not_measured": {…}, "left_out": {…}, …}

    Of points there is "d2_histogram" in the place of "raw_pixels", of series "raw_series" and "spectra". Of pairs there
    are recalls in the place of kNN, "text_to_image@1" and the like, with "chance" beside the baselines; of targets the
    scores of a regression, with "training_mean". An accuracy that cannot be measured is None, and `not_measured` has
    the reason under the name of the protocol, or of the encoder. left_out: examples that took no part, as `Scores` has
    them. details: what was chosen, by encoder and protocol. random: makes the state of the same job before anything was
    learned. cached: (name of a baseline, what makes its scores) -> scores. names: the columns that are wanted.
    """
    train, which, columns = some(job.train, job.evaluation["examples"]), protocols(job), {}
    own = raw.names(job.clean.inputs)
    readers = {
        **{name: lambda name=name: (functools.partial(unlearned, job, program, name=name), None) for name in own},
        "random_init": lambda: of_state(random()),
        "pretrained": lambda: of_state(state),
    }

    def of_state(state: TrainState) -> tuple[Callable, Callable]:
        reader = functools.partial(embedded, job, program, state=state)
        return reader, lambda views: program.embed(state.params, state.method_state, views)

    def scores_of(name: str) -> Scores:
        found, levels = measured(job, program, train, *readers[name]())
        for column, known in levels.items():
            columns[column] = dict.fromkeys(which) | known
        return found

    return compared([name for name in readers if name in names and which], scores_of, cached, which, columns, {})


def compared(
    names: Sequence[str], scores_of: Callable, cached: Callable, which: Sequence[str], columns: dict, why: dict
) -> dict:
    """The table of `final` for the encoders `names`. scores_of: a name -> `Scores`. columns: {name: {protocol: score}}
    of what the table has beside them, to which `scores_of` may add. why: what is not measured already, and why."""
    left_out, details = {}, {}
    for name in names:
        try:
            scores = scores_of(name) if name == "pretrained" else cached(name, functools.partial(scores_of, name))
        except ValueError as error:
            columns[name], why = dict.fromkeys(which), why | {name: str(error)}
            continue
        columns[name], why, left_out = scores.accuracies, why | scores.reasons, scores.left_out
        details[name] = scores.details
    table = {protocol: {name: column[protocol] for name, column in columns.items()} for protocol in which}
    return {**table, "not_measured": why, "left_out": left_out, "details": details}


def _together(parts: list[Scores]) -> Scores:
    """The scores of several kinds of protocols as one."""
    whole = Scores({}, {}, {})
    for part in parts:
        roles = {role: {**whole.left_out.get(role, {}), **counts} for role, counts in part.left_out.items()}
        whole = Scores(
            {**whole.accuracies, **part.accuracies},
            {**whole.reasons, **part.reasons},
            {**whole.left_out, **roles},
            {**whole.details, **part.details},
        )
    return whole
