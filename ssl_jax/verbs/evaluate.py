"""Evaluate the encoder of a work directory against random init and raw pixels.

  ssl-jax evaluate --workdir=runs/quickstart
  ssl-jax evaluate --workdir=runs/quickstart --step=1000

Writes result.json in the work directory and prints its table.
"""

import argparse

from ssl_jax import api
from ssl_jax.shard import processes
from ssl_jax.verbs import _together


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
