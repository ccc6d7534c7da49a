"""Scores of the data without a network and of the random network, kept between runs: no training changes them."""

import hashlib
import json
import os
import pathlib
import sys
from collections.abc import Callable

import jax

from ssl_jax.config import recipes
from ssl_jax.evals import raw
from ssl_jax.process import machine
from ssl_jax.run import identity, interval
from ssl_jax.run.evaluation import Scores
from ssl_jax.run.job import Job
from ssl_jax.shard import processes
from ssl_jax.storage import files

LIBRARIES = ("jax", "jaxlib", "flax", "optax", "numpy", "scipy", "tensorflow", "PIL")
"""What decodes, embeds and fits: scores of another version are measured anew."""


class Known:
    """(name of a baseline, what makes its scores) -> the scores, from the disk where they were measured before.

    Process 0 looks and writes, and all processes hear what it has found. found: the names of those that were there.
    """

    def __init__(self, job: Job):
        self._job, self.found = job, []

    def __call__(self, name: str, make: Callable[[], Scores]) -> Scores:
        path = _path(self._job, name)
        text = _read(path) if jax.process_index() == 0 else ""
        text = processes.heard(text, seconds=self._job.patience)[0]
        if text:
            self.found.append(name)
            return Scores(**json.loads(text))
        scores = make()
        if jax.process_index() == 0:
            _keep(path, json.dumps(scores._asdict()))
        return scores


def keep(job: Job, known: dict[str, Scores]) -> None:
    """Scores of baselines, by name, that were measured before the run."""
    for name, scores in known.items():
        _keep(_path(job, name), json.dumps(scores._asdict()))


def folder() -> pathlib.Path:
    """Where the scores lie: in `baselines` of the user's cache, or of the directory that SSL_JAX_CACHE names."""
    return pathlib.Path(os.environ.get("SSL_JAX_CACHE") or machine.cache()).expanduser() / "baselines"


def key(job: Job, name: str) -> str:
    """A hash of all that the scores of a baseline depend on, the code of the package included."""
    config, sources = job.config, [source for source in (job.train, job.test) if source is not None]
    parts = {part: config[part] for part in ("seed", "clean", "photometric")}
    parts["evaluation"] = {k: v for k, v in config["evaluation"].items() if k not in interval.OWN}
    if name not in raw.NAMES:  # what else the random network and its batch statistics come from
        parts |= {k: v for k, v in config.items() if k not in recipes.FREE or k == "duration"}
        parts["data"] = ()
    parts["data of"] = [[s.stamp or s.digest, s.size, s.parts, s.classes] for s in sources]
    known = [array for s in sources for array in (s.labels, s.targets, s.multi_hot)]
    parts["labels"] = [None if array is None else hashlib.sha256(array.tobytes()).hexdigest() for array in known]
    parts["machine"] = [jax.default_backend(), jax.device_count(), identity.code()]
    parts["libraries"] = [getattr(sys.modules.get(name), "__version__", "") for name in LIBRARIES]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:24]


def _path(job: Job, name: str) -> pathlib.Path:
    return folder() / f"{name}-{key(job, name)}.json"


def _read(path: pathlib.Path) -> str:
    """What is kept; "" where nothing is, or nothing that can be read as scores."""
    try:
        text = path.read_text()
        Scores(**json.loads(text))
        return text
    except (OSError, ValueError, TypeError):
        return ""


def _keep(path: pathlib.Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        files.write(path, text)
    except OSError:
        return  # a home that cannot be written to costs the next run a minute, and this one nothing
