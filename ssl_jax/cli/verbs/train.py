"""Pre-train an encoder by a recipe, and go on where a run was stopped.

  ssl-jax train --config=quickstart --workdir=runs/quickstart
  ssl-jax train --config=simclr_cifar10 --workdir=runs/c10 --config.data.dir=/data/tfds --config.batch=512
  ssl-jax train --config=my_recipe.py:arg --workdir=gs://bucket/run

Each number of a recipe is a key: --config.method.temperature=0.2, --config.duration="3 steps".
The same command after a stop, a crash or a preemption goes on from the newest checkpoint. A finished run is
extended by a longer --config.duration.
"""

import argparse

from ssl_jax import api
from ssl_jax.cli.verbs import _together
from ssl_jax.config import recipes
from ssl_jax.shard import processes


def add(parser: argparse.ArgumentParser) -> None:
    """The flags of `ssl-jax train`."""
    parser.add_argument("--config", required=True, help="a recipe: its bare name, a .py file or a resolved config.json")
    parser.add_argument("--workdir", required=True, help="where everything is written: a directory or gs://…")
    _together.add(parser)


def run(args: argparse.Namespace, changes: dict[str, str]) -> None:
    """Trains, or goes on."""
    flags = _together.flags(args)
    with processes.failing_alone():
        api.train(recipes.load(args.config), args.workdir, changes=changes, flags=flags)
