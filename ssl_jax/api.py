"""What the package offers from Python: the verbs, as functions."""

import contextlib
import json
import os
import pathlib

import jax
from etils import epath
from ml_collections import ConfigDict

from ssl_jax import build, evaluation, goodput, loop, recipes, report, stopping
from ssl_jax.checkpoint import Checkpoints
from ssl_jax.goodput import Goodput
from ssl_jax.job import Job
from ssl_jax.shard.program import Program
from ssl_jax.types import TrainState
from ssl_jax.watchdog import Watchdog

CACHE = pathlib.Path("~/.cache/ssl_jax/compiled").expanduser()
"""Where compiled steps are kept between runs, unless JAX_COMPILATION_CACHE_DIR names another place."""


def train(config: ConfigDict | dict, workdir: str, *, changes: dict[str, str] | None = None) -> dict | None:
    """Trains by a recipe, or goes on in a work directory; evaluates at the end and returns what result.json holds.

    changes: {"method.temperature": "0.2"}, as on the command line. Returns None where a signal stopped the run
    before its end. Raises ValueError in one sentence for a recipe that cannot be, before anything is written, and
    exits.Unhealthy where a guard of the recipe ends the run. In the main thread, SIGTERM and SIGINT stop it and save.
    """
    with stopping.by_signals() as stop:
        return _train(config, workdir, changes or {}, Goodput(), stop)


def _train(config: ConfigDict | dict, workdir: str, changes: dict, spent: Goodput, stop: stopping.Stop) -> dict | None:
    full = resolved(config, changes, workdir)
    keep_compiled()
    job = build.job(full)
    program = loop.compiled(job)
    folder = epath.Path(workdir)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(full, indent=2) + "\n")
    dog = Watchdog(job.health.step_seconds, job.health.other_seconds, spent)
    with dog.watching():
        report.views(job, workdir, loop.keys(job.seed)["step"])
        state, step = loop.train(job, program, workdir, spent, stop, dog.ended)
    if stop.is_set():
        print(f"stopped after step {step} of {job.clock.total}; the same command goes on from there")
        print(f"time        {goodput.line(spent.seconds())}")
        return None
    stop.idle = True  # all is on disk: the same command would do no more than what follows
    return concluded(job, program, state, workdir, spent)


def evaluate(workdir: str, *, step: int | None = None, changes: dict[str, str] | None = None) -> dict:
    """Evaluates a checkpoint of a work directory, the newest if none is named, and writes result.json there.

    changes: of the recipe's evaluation, data directory or mesh. Raises ValueError where there is no such run or step.
    """
    spent = Goodput()
    path = epath.Path(workdir) / "config.json"
    if not path.exists():
        raise ValueError(f"{workdir} is not the work directory of a run: it has no config.json")
    keep_compiled()
    job = build.job(resolved(recipes.load(str(path)), changes or {}, workdir))
    program = loop.compiled(job)
    with contextlib.closing(Checkpoints(f"{workdir}/checkpoints", None)) as saved:
        state = saved.restore(chosen(saved, step, workdir), program.state)
    return concluded(job, program, state, workdir, spent)


def concluded(job: Job, program: Program, state: TrainState, workdir: str, spent: Goodput) -> dict:
    """The report of a state, beside a random network where accuracies can be measured."""
    spent.enter("evaluation")
    random = loop.baseline(job, program) if evaluation.possible(job) else None
    return report.conclude(job, program, state, random, workdir, spent)


def resolved(config: ConfigDict | dict, changes: dict[str, str], workdir: str) -> dict:
    """The recipe with defaults and changes in; checked against the recipe that the work directory has, if any."""
    full = build.resolve(recipes.override(build.resolve(recipes.plain(config)), changes))
    path = epath.Path(workdir) / "config.json"
    if path.exists():
        recipes.check_same(recipes.load(str(path)), full, workdir)
    return full


def chosen(saved: Checkpoints, step: int | None, workdir: str) -> int:
    """The step to restore. Raises ValueError with the steps that there are."""
    steps = saved.steps()
    if not steps:
        raise ValueError(f"{workdir} has no checkpoint yet")
    if step is not None and step not in steps:
        raise ValueError(f"{workdir} has no checkpoint of step {step}; there are {', '.join(map(str, steps))}")
    return steps[-1] if step is None else step


def keep_compiled() -> None:
    """Compiled functions outlive the process, so that the next start of the same run is quick."""
    if not os.environ.get("JAX_COMPILATION_CACHE_DIR"):
        jax.config.update("jax_compilation_cache_dir", str(CACHE))
