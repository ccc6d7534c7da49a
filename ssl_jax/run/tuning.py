"""The runs that fine-tuning as a protocol consists of, one after the other, and what they come to."""

import json
from collections.abc import Callable

import jax
from etils import epath

from ssl_jax.data import classes
from ssl_jax.exporting import formats
from ssl_jax.features import encoder as encoders
from ssl_jax.process.goodput import Goodput
from ssl_jax.run import classifying, fine_tuning, probing
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
    table, why, details, stopped = {}, {}, {"random_init": {}, "pretrained": {}}, False
    for name in names:
        table[name] = dict.fromkeys(details)
        for column, place in (("random_init", "scratch"), ("pretrained", f"step_{step}")):
            try:
                folder = "/".join(filter(None, (workdir, FOLDER, under, name, place)))
                found = _known(job, folder)
                if found is None and not stopped:
                    found = train(_recipe(job, workdir, step, name, column), folder, _concluding)
                if found is None:
                    stopped = True
                    raise ValueError(STOPPED)
                table[name][column], details[column][name] = found["accuracy"], found
            except ValueError as error:
                why[name] = str(error)
    return {**table, "not_measured": why, "details": details}


def _recipe(job: Job, workdir: str, step: int, name: str, column: str) -> dict:
    """Raises ValueError where the network is not of images, or the data without labels."""
    if reason := probing.impossible(job):
        raise ValueError(reason)
    place = next(iter(job.method.encoders.values()))
    counts = dict(examples=job.train.size, classes=classes.count(job.train), devices=jax.device_count())
    weights = _weights(job, workdir, step) if column == "pretrained" else ""
    return fine_tuning.recipe(job.config, name, place.net, weights=weights, **counts)


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
    found = {"accuracy": classifying.accuracy(job, program, state), "test": job.test.digest, "config": job.digest}
    found |= {"steps": int(state.step), "batch": job.clock.batch, "n_train": job.train.size, "n_test": job.test.size}
    if jax.process_index() == 0:
        files.write(epath.Path(folder) / RESULT, json.dumps(found, indent=2) + "\n")
    return found


def _known(job: Job, folder: str) -> dict | None:
    """What a run that is over has written, if it was tested on the same images."""
    path = epath.Path(folder) / RESULT
    found = json.loads(path.read_text()) if path.exists() else {}
    return found if found.get("test") == job.test.digest else None
