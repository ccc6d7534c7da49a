"""Evaluate the encoder of a work directory against random init and raw pixels.

  ssl-jax evaluate --workdir=runs/quickstart
  ssl-jax evaluate --workdir=runs/quickstart --step=1000
  ssl-jax evaluate --workdir=runs/c10 --config.data.test=folder:/data/other --config.evaluation.final=knn

Writes result.json in the work directory and prints its table. The test set may be another one than the run's, and data
may lie elsewhere than then. Class names decide which label is which: examples of a class that training lacks take no
part, and are counted under "left_out". What cannot be measured is null, with its reason under "not_measured".
evaluation.final is all, knn or none. Scores of raw pixels and of the random network are kept in ~/.cache/ssl_jax, or
where SSL_JAX_CACHE says.
"""

import argparse

from ssl_jax import api
from ssl_jax.cli.verbs import _together
from ssl_jax.shard import processes


def add(parser: argparse.ArgumentParser) -> None:
    """The flags of `ssl-jax evaluate`."""
    parser.add_argument("--workdir", required=True, help="the work directory of a run")
    parser.add_argument("--step", type=int, help="the checkpoint to take; the newest if left out")
    _together.add(parser)


def run(args: argparse.Namespace, changes: dict[str, str]) -> None:
    """Evaluates a checkpoint."""
    flags = _together.flags(args)
    with processes.failing_alone():
        api.evaluate(args.workdir, step=args.step, changes=changes, flags=flags)
