"""What the package offers from Python: the verbs, as functions."""

import contextlib
import functools
import os
import pathlib
from collections.abc import Callable, Iterator, Sequence

import jax
from etils import epath
from ml_collections import ConfigDict

from ssl_jax import loop
from ssl_jax.config import build, dry_run, recipes, schema
from ssl_jax.process import goodput, lease, machine, stopping
from ssl_jax.process.goodput import Goodput
from ssl_jax.process.watchdog import Watchdog
from ssl_jax.reporting import report, trackers, transferred
from ssl_jax.reporting.display import complain
from ssl_jax.run import (
    baselines,
    classifying,
    dense,
    evaluation,
    frames,
    history,
    identity,
    interval,
    label_free,
    multilabel,
    probing,
    protocols,
    reconstruction,
    resuming,
    robustness,
    starting,
    tuning,
    zero_shot,
)
from ssl_jax.run import transfer as transfers
from ssl_jax.run.job import Job
from ssl_jax.shard import processes
from ssl_jax.shard.cluster import Flags
from ssl_jax.shard.program import Program
from ssl_jax.storage.checkpoint import Checkpoints
from ssl_jax.types import TrainState

CACHE = machine.cache() / "compiled"
"""The place of `cache`, unless the environment names another."""


def train(
    config: ConfigDict | dict, workdir: str, *, changes: dict[str, str] | None = None, flags: Flags = Flags()
) -> dict | None:
    """Trains by a recipe, or goes on in a work directory; evaluates at the end and returns what result.json holds.

    changes: {"method.temperature": "0.2"}, as on the command line. Returns None where a signal stopped the run
    before its end. Raises ValueError in one sentence for a recipe that cannot be, before anything is written, and
    exits.Unhealthy where a guard of the recipe ends the run. In the main thread, SIGTERM and SIGINT stop it and save.
    flags: where the other processes of the run are, if the environment does not say it; all of them call this function
    with the same arguments, and stop together.
    """
    full = resolved(config, changes or {}, workdir)
    if names := protocols.tuned(full["evaluation"]["final"]):
        raise ValueError(f"config.evaluation.final: {names[0]} trains; `ssl-jax evaluate` does so once a run is over")
    return _run(full, workdir, flags, concluded)


def _run(full: dict, workdir: str, flags: Flags, conclude: Callable) -> dict | None:
    """A resolved recipe, trained to its end, of which conclude(job, program, state, workdir, spent) says what there is;
    None where it was stopped before."""
    spent = Goodput()
    with stopping.by_signals() as stop:
        job, program = joined(full, flags)
        with processes.Together() as together:
            if processes.several():
                stop.join(together)
            with writing_to(workdir):
                return _train(job, program, workdir, spent, stop, conclude)


@contextlib.contextmanager
def writing_to(workdir: str) -> Iterator[None]:
    """An error of the system that names no file, as that of a full disk, names the work directory."""
    try:
        yield
    except OSError as error:
        if error.errno and not error.filename:
            error.filename = workdir
        raise


def joined(full: dict, flags: Flags) -> tuple[Job, Program]:
    """The job of a resolved recipe and its functions, once all processes are there and mean the same run."""
    keep_compiled()
    options = {key: full["processes"][key] for key in ("heartbeat", "shutdown")}
    processes.start(flags, patience=full["processes"]["start"], **options)
    job = build.job(full)
    processes.agree(identity.of(job), seconds=job.patience)
    dry_run.check(job.method, job.optimizer, job.training, job.clean, job.shapes, job.train.parts)
    return job, loop.compiled(job)


def _train(
    job: Job, program: Program, workdir: str, spent: Goodput, stop: stopping.Stop, conclude: Callable
) -> dict | None:
    dog = Watchdog(job.health.step_seconds, job.health.other_seconds, spent)
    with dog.watching(), contextlib.ExitStack() as stack:
        start = starting.prepared(job, program, workdir)
        processes.agree({"what config.start names": str(start.told)}, seconds=job.patience)
        if jax.process_index() == 0:
            resuming.check_data(job, workdir)
            trackers.check(job.trackers)
            first = report.first(job)
            stack.enter_context(lease.held(workdir))
            told = (*evaluation.foreseen(job), *interval.foreseen(job), *resuming.jumps(job, workdir))
            for notice in (*job.notices, *told):
                complain(notice)
            resuming.begun(job, workdir)
            starting.begun(start, workdir)
            report.views(job, first, workdir, loop.keys(job.seed)["step"])
        # Also lets the others wait for process 0's pictures: a collective on CPUs waits for no more than 30 seconds.
        processes.agree({"--workdir": workdir}, seconds=job.patience)
        started = functools.partial(starting.grafted, start)
        state, step = loop.train(job, program, workdir, spent, stop, dog.ended, started)
        if not stop.is_set():
            stop.idle = True  # all is on disk: the same command would do no more than what follows
            return conclude(job, program, state, workdir, spent)
    if jax.process_index() == 0:
        print(f"stopped after step {step} of {job.clock.total}; the same command goes on from there")
        print(f"time        {goodput.line(spent.seconds())}")
    return None


def evaluate(
    workdir: str, *, step: int | None = None, changes: dict[str, str] | None = None, flags: Flags = Flags()
) -> dict:
    """Evaluates a checkpoint of a work directory, the newest if none is named, and writes result.json there.

    changes: of the recipe's evaluation or mesh, of the place of its data, and of the test set, which may be another.
    Raises ValueError where there is no such run or step.
    """
    spent = Goodput()
    job, program = again(workdir, changes or {}, flags)
    return concluded(job, program, restored(job, program, workdir, step), workdir, spent)


def transfer(
    workdir: str,
    data: Sequence[tuple[str, str]] = (),
    *,
    suite: str = "",
    against: str = "",
    step: int | None = None,
    changes: dict[str, str] | None = None,
    flags: Flags = Flags(),
) -> dict:
    """Measures the frozen encoder of a run on other datasets, prints a table, writes transfer.json and returns it.

    data: (training set, test set, or the share to hold out, or "" for its own) of each dataset; suite: one of
    `run.transfer.SUITES`, of which what is not on this machine is "absent" with the way to get it. against: the work
    directory of another run, whose transfer.json is shown beside. step: as of `evaluate`. changes: as of `evaluate`;
    evaluation.final names the protocols. Raises ValueError where there is no such run, step, suite or dataset.
    """
    other = transferred.read(against) if against else None
    entries = transfers.suite(suite, bool(data))
    changes = {"evaluation.final": "linear", "evaluation.examples": str(transfers.ALL), **(changes or {})}
    job, program = again(workdir, changes, flags, tell=False)
    pairs = transfers.given(data, job)
    state = restored(job, program, workdir, step)
    random = functools.cache(lambda: loop.baseline(job, program))
    found = {"config_hash": job.digest, "step": int(state.step), "datasets": {}}
    names = protocols.tuned(job.evaluation["final"])
    tuned = functools.partial(tuning.measured, workdir=workdir, step=found["step"], names=names, train=tune)
    for entry in dict.fromkeys((*entries, *pairs)):
        pair = pairs.get(entry) or transfers.found(entry, job)
        processes.agree({entry.title: "absent" if isinstance(pair, str) else "there"}, seconds=job.patience)
        for notice in pair.notices if jax.process_index() == 0 and not isinstance(pair, str) else ():
            complain(notice)
        row = transfers.row(job, program, state, random, entry, pair, baselines.Known, tuned)
        found["datasets"][entry.title] = row
        if jax.process_index() == 0:
            transferred.written(found, workdir)  # what is measured stays where a later dataset stops it
        if tuning.STOPPED in row.get("not_measured", {}).values():
            break
    if jax.process_index() == 0:
        transferred.shown(found, workdir, other, against)
    return found


def compare(workdir: str, *, changes: dict[str, str] | None = None, flags: Flags = Flags()) -> history.Compared:
    """Evaluates every checkpoint of a work directory, writes steps.json there, and says what it finds.

    changes: as of `evaluate`. Raises ValueError where there is no such run or no checkpoint.
    """
    job, program = again(workdir, changes or {}, flags)
    if others := [name for name in protocols.asked(job.evaluation["final"]) if protocols.apart(name)]:
        raise ValueError(
            f"checkpoints are compared by protocols of features, and {others[0]} is none; leave it to --step=N"
        )
    with checkpoints(job, workdir) as saved:
        saved.chosen(None)
        steps = saved.steps()
        processes.agree({"the checkpoints": str(steps)}, seconds=job.patience)
        rows = history.measured(job, program, ((step, saved.restore(step, program.state)) for step in steps))
    return report.compared(history.compared(rows), workdir)


def restored(job: Job, program: Program, workdir: str, step: int | None) -> TrainState:
    """The state of a checkpoint, the newest if none is named."""
    with checkpoints(job, workdir) as saved:
        step = saved.chosen(step)
        processes.agree({"the step": str(step)}, seconds=job.patience)
        return saved.restore(step, program.state)


def again(workdir: str, changes: dict[str, str], flags: Flags, *, tell: bool = True) -> tuple[Job, Program]:
    """The job of a work directory, for evaluation. changes: as of `evaluate`. tell: of its own data what to say."""
    run = schema.resolve(recipes.of_run(workdir))
    if run["evaluation"]["final"] == "none":  # what the run left out is what is asked for now
        changes = {"evaluation.final": "all", **changes}
    full = schema.changed(run, changes)
    recipes.check_same(run, full, workdir, free=recipes.PLACES)
    job, program = joined(full, flags)
    resuming.check_data(job, workdir, roles=("train",))
    if tell and jax.process_index() == 0:
        for notice in (*job.notices, *evaluation.foreseen(job)):
            complain(notice)
    return job, program


def checkpoints(job: Job, workdir: str) -> contextlib.closing[Checkpoints]:
    """Those of a work directory, to be read by all processes together."""
    heard = functools.partial(processes.heard, seconds=job.patience)
    return contextlib.closing(Checkpoints(f"{workdir}/checkpoints", None, heard=heard))


def concluded(job: Job, program: Program, state: TrainState, workdir: str, spent: Goodput) -> dict:
    """The report of a state, beside a random network and, where accuracies can be measured, raw pixels."""
    spent.enter("evaluation")

    def measure() -> tuple[dict, label_free.Seen | None]:
        begun, features = {"start": noted} if (noted := starting.noted(workdir)) else {}, None
        asked = job.evaluation["final"]
        if not protocols.asked(asked):
            return begun, None
        known, random = baselines.Known(job), functools.cache(lambda: loop.baseline(job, program))
        if multilabel.possible(job):
            found = multilabel.final(job, program, state, random, known)
        elif evaluation.possible(job):
            found = evaluation.final(job, program, state, random, known)
        else:
            found, features = label_free.measured(job, program, state, random, known)
        states = {"random_init": random, "pretrained": lambda: state}
        own = classifying.measured(job, program, states)
        found |= {**robustness.final(job, program, states), **of_places_and_pixels(job, program, states)}
        found = protocols.merged(found, frames.measured(job, program, states))
        found = protocols.merged(found, probing.measured(job, program, states, protocols.probes(asked), known))
        found = protocols.merged(found, zero_shot.measured(job, job.test, program, states))
        found = protocols.merged(found, tuning.measured(job, workdir, int(state.step), protocols.tuned(asked), tune))
        cached = dict.fromkeys(name.partition("_probe_")[0] for name in known.found)
        return {**begun, **own, **found, "from_cache": list(cached)}, features

    return report.conclude(job, program, state, workdir, spent, measure)


def of_places_and_pixels(job: Job, program: Program, states: dict[str, Callable[[], TrainState]]) -> dict:
    """What `dense` and `reconstruction` measure, where they are asked for; what cannot be measured is said."""
    found, asked = {}, protocols.asked(job.evaluation["final"])
    for name, protocol in ((protocols.DENSE, dense), (protocols.RECONSTRUCTION, reconstruction)):
        try:
            found |= protocol.measured(job, program, states) if name in asked else {}
        except ValueError as error:
            complain(f"{name} not measured: {error}")
    return found


def tune(recipe: dict, workdir: str, conclude: Callable) -> dict | None:
    """A run of fine-tuning within an evaluation, in a directory of its own; see `tuning.measured`."""
    return _run(resolved(recipe, {}, workdir), workdir, Flags(), conclude)


def resolved(config: ConfigDict | dict, changes: dict[str, str], workdir: str) -> dict:
    """The recipe with defaults and changes in; checked against the recipe that the work directory has, if any."""
    folder = epath.Path(workdir)
    if not str(workdir) or folder.exists() and not folder.is_dir():
        raise ValueError(f"the work directory '{workdir}' is no directory; name one, which may be new")
    full = resuming.taken_over(schema.changed(recipes.plain(config), changes), workdir)
    resuming.check_recipe(full, workdir)
    return full


def cache() -> pathlib.Path:
    """Where compiled steps are kept between runs: `CACHE`, or what JAX_COMPILATION_CACHE_DIR names."""
    return pathlib.Path(os.environ.get("JAX_COMPILATION_CACHE_DIR") or CACHE)


def keep_compiled() -> None:
    """Compiled functions outlive the process, so that the next start of the same run is quick."""
    jax.config.update("jax_compilation_cache_dir", str(cache()))
