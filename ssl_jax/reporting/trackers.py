"""The log of a run for Weights & Biases and for MLflow (the extras [wandb] and [mlflow]), beside TensorBoard's."""

import functools
import importlib
import importlib.util
import json
import os
import queue
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import jax
from etils import epath
from PIL import Image

from ssl_jax.checks import spelling
from ssl_jax.config import recipes
from ssl_jax.storage import files

FILE = "trackers.json"
"""The runs of trackers that a work directory goes on in, {tracker: id}."""
PATIENCE = 120.0
"""Seconds that the end of a run waits for what a tracker has not taken yet."""


class Tracker(NamedTuple):
    """A run in a tracker.

    reached: the last step that it has numbers of, -1 for none. scalars: (step, {name: number}) -> None. pictures:
    (step, {name: PNG file}) -> None. close: ("FINISHED", "KILLED" or "FAILED") -> None.
    """

    id: str
    reached: int
    scalars: Callable
    pictures: Callable
    close: Callable


def check(asked: dict[str, str]) -> None:
    """Raises ValueError for a tracker whose package is not installed. asked: {tracker: project}."""
    for name in asked:
        if importlib.util.find_spec(name) is None:
            raise ValueError(f"config.log.{name} wants the package {name}: pip install 'ssl_jax[{name}]'")


def opened(asked: dict[str, str], workdir: str, config: dict, say: Callable[[str], None]) -> list["Sender"]:
    """The trackers of a run, on process 0; one that was begun in this work directory goes on.

    asked: {tracker: project}. config: the resolved recipe. say: takes a sentence where a tracker does not answer, and
    the run goes on without it.
    """
    out, path = [], epath.Path(workdir) / FILE
    if not asked or jax.process_index() > 0:
        return out
    known = json.loads(path.read_text()) if path.exists() else {}
    for name, project in asked.items():
        try:
            tracker = TRACKERS[name](project, workdir, config, known.get(name))
        except Exception as error:  # of the network, of an account, of a server: of every kind
            there = f"; its run is {known[name]!r} in {path}" if name in known else ""
            say(f"{name} does not answer, and the run goes on without it ({_told(error)}){there}")
            continue
        known[name] = tracker.id
        out.append(Sender(name, tracker, say))
    files.write(path, json.dumps(known, indent=2) + "\n")
    return out


class Sender:
    """Hands numbers and pictures to a tracker on a thread of its own, so that no step waits for a network.

    Steps that the tracker has already are left out. After a failure, which is said in a sentence, nothing more is sent.
    """

    def __init__(self, name: str, tracker: Tracker, say: Callable[[str], None]):
        self._name, self._tracker, self._say = name, tracker, say
        self._queue: queue.SimpleQueue[Callable | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def scalars(self, step: int, numbers: dict[str, float]) -> None:
        """Numbers by name; NaN is one."""
        if step > self._tracker.reached:
            self._queue.put(functools.partial(self._tracker.scalars, step, numbers))

    def pictures(self, step: int, paths: dict[str, Path]) -> None:
        """PNG files by name."""
        if step > self._tracker.reached:
            self._queue.put(functools.partial(self._tracker.pictures, step, paths))

    def close(self, outcome: str, patience: float = PATIENCE) -> None:
        """Waits for what is under way, at most `patience` seconds. outcome: as of `Tracker.close`."""
        self._queue.put(functools.partial(self._tracker.close, outcome))
        self._queue.put(None)
        self._thread.join(patience)
        if self._thread.is_alive():
            self._say(f"{self._name} has not taken everything within {patience:.0f} s, and is not waited for")

    def _work(self) -> None:
        while (send := self._queue.get()) is not None:
            try:
                send()
            except Exception as error:
                self._say(f"{self._name} gets no more of this run: {_told(error)}")
                return


def _wandb(project: str, workdir: str, config: dict, known: str | None) -> Tracker:
    """A run of Weights & Biases. project: NAME or ENTITY/NAME. The environment decides on account, server and mode:
    WANDB_MODE=offline keeps everything in the work directory, for `wandb sync`."""
    wandb, (entity, _, name) = importlib.import_module("wandb"), project.rpartition("/")
    run = wandb.init(
        entity=entity or None,
        project=name,
        name=epath.Path(workdir).name,
        config=config,
        id=known,
        resume="allow" if known else None,
        dir=os.environ.get("WANDB_DIR") or (None if "://" in workdir else workdir),
        settings=wandb.Settings(console="off", finish_timeout=PATIENCE, reinit="create_new"),
    )

    def pictures(step: int, paths: dict[str, Path]) -> None:
        run.log({name: wandb.Image(os.fspath(path)) for name, path in paths.items()}, step=step)

    return Tracker(
        run.id,
        run.step - 1 if known else -1,
        lambda step, numbers: run.log(numbers, step=step),
        pictures,
        lambda outcome: run.finish(exit_code=int(outcome == "FAILED")),
    )


def _mlflow(experiment: str, workdir: str, config: dict, known: str | None) -> Tracker:
    """A run of MLflow, where MLFLOW_TRACKING_URI says: a server, sqlite:///FILE or a folder."""
    mlflow, client = importlib.import_module("mlflow"), importlib.import_module("mlflow").MlflowClient()
    reached, of = -1, known
    if known:
        client.update_run(known, status="RUNNING")
        reached = max((m.step for m in client.get_metric_history(known, "time/seconds")), default=-1)
    else:
        found = client.get_experiment_by_name(experiment)
        place = found.experiment_id if found else client.create_experiment(experiment)
        of = client.create_run(place, run_name=epath.Path(workdir).name).info.run_id
        params = [mlflow.entities.Param(key, str(value)[:LONGEST]) for key, value in recipes.flat(config).items()]
        for first in range(0, len(params), MOST):
            client.log_batch(of, params=params[first : first + MOST])

    def scalars(step: int, numbers: dict[str, float]) -> None:
        now = int(1000 * time.time())
        client.log_batch(of, [mlflow.entities.Metric(name, value, now, step) for name, value in numbers.items()])

    def pictures(step: int, paths: dict[str, Path]) -> None:
        for name, path in paths.items():
            with Image.open(path) as image:
                client.log_image(of, image.convert("RGB"), key=name, step=step, synchronous=True)

    return Tracker(of, reached, scalars, pictures, lambda outcome: client.set_terminated(of, outcome))


TRACKERS: dict[str, Callable[[str, str, dict, str | None], Tracker]] = {"wandb": _wandb, "mlflow": _mlflow}
"""(project, work directory, recipe, id of the run that goes on or None) -> the run."""
LONGEST, MOST = 500, 100
"""Characters of a parameter and parameters of a call, as every server of MLflow takes them."""


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {spelling.one_line(error)}"
