"""The runs that fine-tuning as a protocol consists of, one after the other, and what they come to."""

import functools
import json
from collections.abc import Callable

import jax
from etils import epath

from ssl_jax.data import classes, sources
from ssl_jax.exporting import formats
from ssl_jax.features import encoder as encoders
from ssl_jax.process import exits
from ssl_jax.process.goodput import Goodput
from ssl_jax.run import classifying, fine_tuning, grid, probing
from ssl_jax.run.job import Job
from ssl_jax.shard import processes
from ssl_jax.shard.program import Program
from ssl_jax.storage import files
from ssl_jax.types import TrainState

FOLDER = "fine_tune"
"""Where the runs lie, in the work directory of the run whose network they train."""
RESULT = "result.json"
STOPPED = "it was stopped; the same command goes on from there"


def measured(job: Job, workdir: str, step: int, names: tuple[str, ...], train: Callable, *, under: str = "") -> dict:
    """{protocol: {"random_init": test accuracy from scratch, "pretrained": that of the network of checkpoint `step`},
    "not_measured": ..., "details": ...}, None with a reason where there is none.

    train: (recipe, work directory, conclude) -> what conclude(job, program, state, ...) gives at the end of the run;
    None where it was stopped. A run goes on where it was stopped, and is not repeated once it is over. under: a folder
    of the runs within `FOLDER`, where the job's data are others than those of the network.
    """
    if not names:
        return {}
    table, why, details = {}, {}, {"random_init": {}, "pretrained": {}}
    for name in names:
        table[name] = dict.fromkeys(details)
        for column, place in (("random_init", "scratch"), ("pretrained", f"step_{step}")):
            try:
                folder = "/".join(filter(None, (workdir, FOLDER, under, name, place)))
                weights = functools.partial(_weights, job, workdir, step) if column == "pretrained" else lambda: ""
                found = (_searched if grid.known(name) else _direct)(job, name, folder, weights, train)
                table[name][column], details[column][name] = found["accuracy"], found
            except ValueError as error:
                why[name] = str(error)
                if why[name] == STOPPED:
                    train = _no_more
    return {**table, "not_measured": why, "details": details}


def _no_more(recipe: dict, folder: str, conclude: Callable) -> None:
    """In the place of `train` after a stop: what is over is read, and nothing is trained."""


def _direct(job: Job, name: str, folder: str, weights: Callable[[], str], train: Callable) -> dict:
    """What came of the one run of a protocol. Raises ValueError where it cannot be, or was stopped."""

    def recipe() -> dict:
        return fine_tuning.recipe(job.config, name, **_counts(job), weights=weights())

    return _finite(_ended(recipe, folder, job.test.digest, train))


def _searched(job: Job, name: str, folder: str, weights: Callable[[], str], train: Callable) -> dict:
    """What came of the best pair of a grid, and {"searched": [{"rate", "decay", "accuracy"}, ...]}, None of a run whose
    loss was not finite. Raises ValueError as `_direct`, and where all were such."""
    counts, start = _counts(job), weights()
    held = sources.open_like(
        job.train, f"held:{grid.HELD:g}*{job.config['data']['train']}", data_dir=job.config["data"]["dir"] or None
    )

    def recipe(pair: grid.Pair, choosing: bool) -> dict:
        return fine_tuning.of_pair(job.config, name, pair=pair, **counts, weights=start, choosing=choosing)

    scores = {}
    for pair in grid.pairs(name, trained=bool(start)):
        ended = _ended(functools.partial(recipe, pair, True), f"{folder}/{pair.title}", held.digest, train)
        scores[pair] = ended["accuracy"]
        if jax.process_index() == 0:
            epath.Path(f"{folder}/{pair.title}/checkpoints").rmtree(missing_ok=True)
    finite = {pair: score for pair, score in scores.items() if score is not None}
    if not finite:
        raise ValueError(f"{name}: none of {len(scores)} pairs of rate and decay has a loss that stays finite")
    best = max(finite, key=finite.get)
    found = _finite(_ended(functools.partial(recipe, best, False), f"{folder}/best", job.test.digest, train))
    tried = [{**pair._asdict(), "accuracy": score} for pair, score in scores.items()]
    return {**found, **best._asdict(), "n_held": held.size, "searched": tried}


def _ended(recipe: Callable[[], dict], folder: str, test: str, train: Callable) -> dict:
    """What a run that is over says, of which `test` is the digest of the test set; it is trained unless it is there.

    Of a loss that is not finite the accuracy is None. Raises ValueError where the run was stopped.
    """
    if (found := _known(folder, test)) is not None:
        return found
    try:
        found = train(recipe(), folder, _concluding)
    except exits.Unhealthy as error:
        found = {"accuracy": None, "test": test, "ended": str(error)}
        _written(found, folder)
    if found is None:
        raise ValueError(STOPPED)
    return found


def _finite(found: dict) -> dict:
    """The same. Raises ValueError where the run ended by a loss that was not finite."""
    if found["accuracy"] is None:
        raise ValueError(found["ended"])
    return found


def _counts(job: Job) -> dict:
    """What recipes of fine-tuning want to know of a job. Raises ValueError where the network is not of images, or the
    data without labels."""
    if reason := probing.impossible(job):
        raise ValueError(reason)
    role = next(iter(job.method.encoders.values())).net
    return dict(role=role, examples=job.train.size, classes=classes.count(job.train), devices=jax.device_count())


def _weights(job: Job, workdir: str, step: int) -> str:
    """The encoder of a checkpoint as a file, from which the run begins."""
    path = epath.Path(workdir) / FOLDER / f"encoder_{step}.npz"
    if jax.process_index() == 0 and not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.parent / f"new_{path.name}"
        formats.own(encoders.load(workdir, step=step), part)
        part.replace(path)
    processes.agree({"the file of the encoder": str(path)}, seconds=job.patience)
    return str(path)


def _concluding(job: Job, program: Program, state: TrainState, folder: str, spent: Goodput) -> dict:
    """What there is to say of a run that is over, which is written beside it."""
    found = {**classifying.scores(job, program, state), "test": job.test.digest, "config": job.digest}
    found |= {"steps": int(state.step), "batch": job.clock.batch, "n_train": job.train.size, "n_test": job.test.size}
    _written(found, folder)
    return found


def _written(found: dict, folder: str) -> None:
    """Keeps what there is to say of a run, by the first process."""
    if jax.process_index() == 0:
        files.write(epath.Path(folder) / RESULT, json.dumps(found, indent=2) + "\n")


def _known(folder: str, test: str) -> dict | None:
    """What a run that is over has written, if it was tested on the images of this digest."""
    path = epath.Path(folder) / RESULT
    found = json.loads(path.read_text()) if path.exists() else {}
    return found if found.get("test") == test else None
