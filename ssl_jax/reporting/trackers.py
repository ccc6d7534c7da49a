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
OPENING, PATIENCE = 60.0, 120.0
"""Seconds that the beginning of a run waits for a tracker, and its end for what that has not taken yet."""


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

    asked: {tracker: project}. config: the resolved recipe. say: takes a sentence where a tracker fails, and the run
    goes on without it. Each is waited for, but no longer than `OPENING`.
    """
    path, lock = epath.Path(workdir) / FILE, threading.Lock()

    def known() -> dict[str, str]:
        return json.loads(path.read_text()) if path.exists() else {}

    def begun(name: str, project: str) -> Tracker:
        tracker = TRACKERS[name](project, workdir, config, known().get(name))
        with lock:
            files.write(path, json.dumps({**known(), name: tracker.id}, indent=2) + "\n")
        return tracker

    names = asked if jax.process_index() == 0 else ()
    return [Sender(name, functools.partial(begun, name, asked[name]), say) for name in names]


class Sender:
    """Hands numbers and pictures to a tracker on a thread of its own, so that no step waits for a network.

    Steps that the tracker has already are left out. After a failure, which is said in a sentence, nothing more is sent.
    """

    def __init__(self, name: str, begin: Callable[[], Tracker], say: Callable[[str], None], opening: float = OPENING):
        self._name, self._say = name, say
        self._queue: queue.SimpleQueue[tuple[str, tuple] | None] = queue.SimpleQueue()
        self._open = threading.Event()
        self._thread = threading.Thread(target=self._work, args=(begin,), name=name, daemon=True)
        self._thread.start()
        self._open.wait(opening)

    def scalars(self, step: int, numbers: dict[str, float]) -> None:
        """Numbers by name; NaN is one."""
        self._queue.put(("scalars", (step, numbers)))

    def pictures(self, step: int, paths: dict[str, Path]) -> None:
        """PNG files by name."""
        self._queue.put(("pictures", (step, paths)))

    def close(self, outcome: str, patience: float = PATIENCE) -> None:
        """Waits for what is under way, at most `patience` seconds. outcome: as of `Tracker.close`."""
        self._queue.put(("close", (outcome,)))
        self._queue.put(None)
        self._thread.join(patience)
        if self._thread.is_alive():
            self._say(f"{self._name} has not taken everything within {patience:.0f} s, and is not waited for")

    def _work(self, begin: Callable[[], Tracker]) -> None:
        try:
            tracker = begin()
            self._open.set()
            while (sent := self._queue.get()) is not None:
                what, arguments = sent
                if what == "close" or arguments[0] > tracker.reached:
                    getattr(tracker, what)(*arguments)
        except Exception as error:  # of the network, of an account, of a server: of every kind
            told = f"{type(error).__name__}: {spelling.one_line(error)}"
            self._say(f"{self._name} fails, and the run goes on without it ({told})")
        self._open.set()


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
