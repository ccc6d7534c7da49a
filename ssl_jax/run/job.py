"""A recipe made real: what the loop and the evaluation work with. Nothing below reads a config."""

from collections.abc import Callable
from typing import NamedTuple

import optax

from ssl_jax.config.durations import Clock
from ssl_jax.data.sources import Source
from ssl_jax.run.health import Limits
from ssl_jax.storage.checkpoint import Keep
from ssl_jax.types import Method, Schedule, View


class Preprocess(NamedTuple):
    """Views as two functions.

    host: ({part: an image [h, w, c], others raw}, seed) -> {group: [v, ...]}, a tensorflow graph function
    device: (key, batch of what the host makes) -> the batch as methods see it, images float32 [b, v, s, s, c]
    """

    views: tuple[View, ...]
    host: Callable
    device: Callable

    @property
    def inputs(self) -> dict[str, str]:
        """For each part that is shown the group that shows it: what `embed` takes, of clean views."""
        return {view.of: view.group for view in self.views}


class Every(NamedTuple):
    """How often, as durations."""

    log: str
    checkpoint: str
    evaluate: str


class Job(NamedTuple):
    """One run.

    config: the resolved recipe, to be kept beside the results; digest: what it hashes to. clock: batch and length.
    logged: schedules whose values go into the log. shapes: ShapeDtypeStructs of one global batch as the host makes it.
    test: what the end is scored on, and training where there is no `validation`. trackers: {"wandb" or "mlflow": the
    project of it that gets the log, too}. patience: seconds that other processes may take to come to a comparison.
    notices: sentences about the recipe and its data that a person should read before the run begins.
    """

    config: dict
    digest: str
    seed: int
    clock: Clock
    method: Method
    optimizer: optax.GradientTransformation
    logged: dict[str, Schedule]
    train: Source
    test: Source | None
    validation: Source | None
    training: Preprocess
    clean: Preprocess
    shapes: dict
    mesh: dict
    patience: float
    every: Every
    trackers: dict[str, str]
    keep: Keep
    health: Limits
    evaluation: dict
    notices: tuple[str, ...] = ()
