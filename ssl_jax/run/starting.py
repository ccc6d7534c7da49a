"""Initial weights: what `start` in a recipe takes from other runs and files into the fresh state, once."""

import json
from typing import Any, NamedTuple

import jax
import numpy as np
from etils import epath

from ssl_jax.exporting import grafting, names, receipts
from ssl_jax.features import encoder as encoders
from ssl_jax.features.encoder import Encoder
from ssl_jax.reporting.display import complain
from ssl_jax.run import resuming
from ssl_jax.run.job import Job
from ssl_jax.shard.program import Program
from ssl_jax.storage import files
from ssl_jax.types import Place, TrainState

FILE = "start.json"
"""What a run began with, in its work directory."""
OWN = names.Layout(rules=(), torch=False)
"""The names of this library."""


class Start(NamedTuple):
    """weights: for each place in the state its parameters and statistics, on the host. told: whence, for people."""

    weights: dict[Place, tuple[Any, Any]]
    told: dict[str, dict]


def prepared(job: Job, program: Program, workdir: str) -> Start:
    """The weights that the recipe names, read before anything is written; none where a run goes on.

    Raises ValueError, with the key of the recipe, where a run or a file is not there, or has another network, where
    what a method never trains gets no weights, and where this work directory began with others.
    """
    if resuming.steps(workdir):
        return Start({}, {})
    config, found = job.config, Start({}, {})
    for name in job.method.frozen:
        if not config["start"].get(name):
            raise ValueError(
                f"config.start.{name} is empty, and {config['method']['name']} never trains the {name}: name the work "
                f"directory of a run, or a file that `ssl-jax export` wrote, with --config.start.{name}=PATH"
            )
    for name, path in config["start"].items():
        if not path:
            continue
        place = job.method.encoders[name]
        try:
            taken = encoders.load(path)
            found.weights[place] = fitted(taken, place, program.state, config)
        except ValueError as error:
            raise ValueError(f"config.start.{name}: {error}") from error
        told = {"path": path, "encoder": taken.which, "step": taken.step, "recipe": taken.digest}
        found.told[name] = {**told, "weights_sha256": receipts.digest(taken)}
        differing(taken, config["nets"][place.net], name)
    _check(found.told, noted(workdir), workdir)
    return found


def fitted(taken: Encoder, place: Place, state: TrainState, config: dict) -> tuple[Any, Any]:
    """An encoder's weights as they go to a place of a state, of which only shapes are read.

    Raises ValueError where it is another network.
    """
    kind, wanted = taken.spec["name"], config["nets"][place.net]["name"]
    if kind != wanted:
        raise ValueError(f"the network there is '{kind}', and config.nets.{place.net} is '{wanted}'")

    def mold(leaf: jax.ShapeDtypeStruct) -> np.ndarray:
        return np.broadcast_to(np.zeros((), leaf.dtype), leaf.shape)  # takes no memory

    own = [jax.tree.map(mold, grafting.held(state, path)) for path in (place.params, place.stats)]
    return grafting.fitted(own, names.flat(taken.params, taken.stats), OWN, config)


def differing(taken: Encoder, spec: dict, name: str) -> None:
    """Says which options of the network are others than there; weights alone do not tell."""
    other = [f"{k} was {taken.spec.get(k)!r}, is {v!r}" for k, v in spec.items() if taken.spec.get(k) != v]
    if other:
        complain(f"config.start.{name}: the network there has other options than here ({'; '.join(other)})")


def begun(start: Start, workdir: str) -> None:
    """Notes in the work directory what the run begins with."""
    if start.told:
        files.write(epath.Path(workdir) / FILE, json.dumps(start.told, indent=2) + "\n")


def grafted(start: Start, state: TrainState) -> TrainState:
    """The fresh state with the weights in it, which are given away."""
    for place in list(start.weights):
        state = grafting.replaced(state, place, start.weights.pop(place))
    return state


def noted(workdir: str) -> dict[str, dict]:
    """What a run began with; {} where it began with nothing but random numbers."""
    path = epath.Path(workdir) / FILE
    return json.loads(path.read_text()) if path.exists() else {}


def _check(new: dict, old: dict, workdir: str) -> None:
    """Raises ValueError where a run that is to begin anew, before its first checkpoint, would begin with others."""
    for name, was in old.items():
        now = new.get(name, {})
        if now.get("weights_sha256") != was["weights_sha256"]:
            raise ValueError(
                f"{workdir} began with other weights for config.start.{name}: those of step {was['step']} in "
                f"{was['path']}, digest {was['weights_sha256'][:12]}; use another --workdir"
            )
