"""What a run leaves for people: the table, result.json and the pictures."""

import json

import jax
import numpy as np
from etils import epath
from rich.console import Console
from rich.table import Table

from ssl_jax import evaluation, goodput, pictures
from ssl_jax.data import sources, stream
from ssl_jax.goodput import Goodput
from ssl_jax.job import Job
from ssl_jax.log import rows
from ssl_jax.shard.program import Program
from ssl_jax.step import purposes
from ssl_jax.types import Key, TrainState

TITLES = {
    "knn": "kNN",
    "linear": "linear probe",
    "few_shot_10": "10 labels a class",
    "raw_pixels": "raw pixels",
    "random_init": "random init",
    "pretrained": "pre-trained",
}
SHOWN = 8
"""Images on the contact sheet."""
POINTS = 1500
"""Test images in the projection."""


def first(job: Job) -> dict[str, np.ndarray]:
    """The first batch of the run. Raises ValueError, in words, where the data cannot make the views."""
    return next(stream.batches(job.train, job.training.host, batch=job.clock.batch, seed=job.seed))


def views(job: Job, first: dict[str, np.ndarray], workdir: str, key: Key) -> None:
    """views.png: the first images of the run, as stored, with the very views that the network is about to see.

    first: the run's first batch. key: that of the run's steps.
    """
    groups = {view.group for view in job.training.views}
    few = {name: first[name][:SHOWN] for name in sorted(groups)}
    seen = jax.device_get(jax.jit(job.training.device)(purposes(key, np.int32(0))[0], few))
    normalised = [op.args for view in job.training.views for op in view.ops if op.name == "normalise"]
    originals = sources.images(job.train, first["index"][:SHOWN])
    path, stats = epath.Path(workdir) / "views.png", normalised[0] if normalised else {}
    pictures.contact_sheet(seen, path, originals=originals, **stats)


def table(result: dict) -> Table:
    """The accuracies of result.json, in percent: one row a protocol, one column an encoder."""
    out = Table("test accuracy, %", *(TITLES[name] for name in evaluation.BASELINES), title="What was learned")
    for protocol, title in list(TITLES.items())[:3]:
        out.add_row(title, *(f"{100 * result[protocol][name]:.1f}" for name in evaluation.BASELINES))
    return out


def conclude(
    job: Job, program: Program, state: TrainState, random: TrainState | None, workdir: str, spent: Goodput
) -> dict:
    """Evaluates, draws, writes result.json, prints the table and where everything is; returns the result.

    All processes evaluate together; process 0 draws, writes and prints.
    """
    folder, console = epath.Path(workdir), Console()
    result = {}
    if random is not None:
        result = evaluation.final(job, program, state, random)
        x, y = evaluation.embedded(job, program, evaluation.some(job.test, POINTS), state)
    seconds = spent.seconds()
    result |= {"config_hash": job.digest, "step": int(state.step), "seconds": round(sum(seconds.values()), 1)}
    result["goodput"] = {name: round(value, 3) for name, value in seconds.items()}
    if jax.process_index() > 0:
        return result
    if random is not None:
        pictures.projection(x, y, job.train.classes, folder / "projection.png")
    pictures.curves(rows(workdir), folder / "curves.png")
    (folder / "result.json").write_text(json.dumps(result, indent=2) + "\n")
    if "knn" in result:
        console.print(table(result))
    else:
        console.print("No accuracies: they want labels and a test set (config.data.test).")
    lines = (
        f"checkpoint  {folder}/checkpoints/{int(state.step)}",
        f"metrics     {folder}/metrics.jsonl, result.json; TensorBoard: --logdir {folder}",
        f"time        {goodput.line(seconds)}",
        f"pictures    {folder}/views.png, curves.png, projection.png",
    )
    console.print("\n".join(lines), soft_wrap=True, highlight=False, markup=False)
    return result
