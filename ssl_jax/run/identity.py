"""What all processes of a run must have alike."""

import hashlib
import pathlib

import jax

from ssl_jax.config import recipes
from ssl_jax.run.job import Job


def of(job: Job) -> dict[str, str]:
    """Name -> text: every number of the recipe, the code, JAX, and the datasets."""
    config = {f"config.{key}": repr(value) for key, value in recipes.flat(job.config).items()}
    data = {f"the listing of {s.name}": s.digest for s in (job.train, job.test, job.validation) if s is not None}
    return {**config, **data, "the code of ssl_jax": code(), "the version of JAX": jax.__version__}


def code() -> str:
    """A hash of every Python file of the package."""
    root, state = pathlib.Path(__file__).parents[1], hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        state.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return state.hexdigest()[:12]
