"""Pre-train an encoder by a recipe, or on your own images without one, and go on where a run was stopped.

  ssl-jax train --config=quickstart --workdir=runs/quickstart
  ssl-jax train --data=folder:/photos --workdir=runs/mine --time=2h
  ssl-jax train --config=simclr_cifar10 --workdir=runs/c10 --config.data.dir=/data/tfds --config.batch=512
  ssl-jax train --config=my_recipe.py:arg --workdir=gs://bucket/run

Each number of a recipe is a key: --config.method.temperature=0.2, --config.duration="3 steps".
--config.evaluation.during=knn,linear scores the run every --config.evaluation.every="20 %", on the test set or on
--config.evaluation.validation=SOURCE. --config.log.wandb=PROJECT and --config.log.mlflow=EXPERIMENT send the log there.
--data looks at the images and at this machine, chooses network, views, batch and duration, tells what and why, and
leaves it as WORKDIR/recipe.py; --test, --method, --net and --time choose for it, --config.KEY=VALUE changes any number.
Of images with labels a part is held out for the table of accuracies, unless --test names a dataset or says none.
The same command after a stop, a crash or a preemption goes on from the newest checkpoint. A finished run is
extended by a longer --config.duration.
"""

import argparse
import time

from ssl_jax import api
from ssl_jax.choosing import choose, kept, spans, tables
from ssl_jax.choosing.recipe import Request
from ssl_jax.cli.verbs import _together
from ssl_jax.config import recipes
from ssl_jax.process import machine
from ssl_jax.shard import processes
from ssl_jax.shard.cluster import Flags

OWN = ("test", "method", "net", "time")
"""What only --data takes."""


def add(parser: argparse.ArgumentParser) -> None:
    """The flags of `ssl-jax train`."""
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--config", help="a recipe: its bare name, a .py file or a resolved config.json")
    what.add_argument("--data", help="images to choose a recipe for: folder:PATH or another dataset, see ssl-jax data")
    parser.add_argument("--workdir", required=True, help="where everything is written: a directory or gs://…")
    own = parser.add_argument_group("with --data")
    own.add_argument("--test", default="", help="a dataset with the same classes, the share to hold out, 0.2, or none")
    own.add_argument("--method", default="", help=f"one of {', '.join(tables.METHODS)}")
    own.add_argument("--net", default="", help="resnet_small, resnet18, resnet50, vit_small_16 and the like")
    own.add_argument("--time", default="", help=f"how long all of it may take: {spans.FORMS}")
    _together.add(parser)


def run(args: argparse.Namespace, changes: dict[str, str]) -> None:
    """Trains, or goes on."""
    flags = _together.flags(args)
    given = [f"--{name}" for name in OWN if getattr(args, name)]
    if args.config and given:
        raise ValueError(
            f"{' and '.join(given)} go with --data, and --config={args.config} is a recipe: leave them out"
        )
    with processes.failing_alone():
        config = recipes.load(args.config) if args.config else chosen(args, changes, flags)
        api.train(config, args.workdir, changes=changes, flags=flags)


def chosen(args: argparse.Namespace, changes: dict[str, str], flags: Flags) -> dict:
    """The recipe for --data. ValueError where it would be chosen by several processes, each for itself."""
    seconds = spans.seconds(args.time) if args.time else 0.0
    request = Request(args.data, args.test, changes.get("data.dir", ""), args.method, args.net, seconds)
    if processes.expected(flags) and kept.of(args.workdir, request) is None:
        raise ValueError(
            f"--data={args.data} chooses a recipe on one machine: run it there for a while, and start the processes "
            "with the recipe.py that it leaves"
        )
    return choose.choose(request, args.workdir, changes=changes, begun=time.monotonic() - machine.age())
