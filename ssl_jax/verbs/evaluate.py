"""Evaluate the encoder of a work directory against random init and raw pixels.

  ssl-jax evaluate --workdir=runs/quickstart
  ssl-jax evaluate --workdir=runs/quickstart --step=1000

Writes result.json in the work directory and prints its table.
"""

import argparse

from ssl_jax import api


def add(parser: argparse.ArgumentParser) -> None:
    """The flags of `ssl-jax evaluate`."""
    parser.add_argument("--workdir", required=True, help="the work directory of a run")
    parser.add_argument("--step", type=int, help="the checkpoint to take; the newest if left out")


def run(args: argparse.Namespace, changes: dict[str, str]) -> None:
    """Evaluates a checkpoint."""
    api.evaluate(args.workdir, step=args.step, changes=changes)
