"""Appearance and motion, read off the same features of a run on Moving Fashion-MNIST, against two baselines.

    ssl-jax train --config=rho_byol_moving --workdir=W
    python benchmarks/moving_probes.py W [--json]

`ssl-jax evaluate` has the labels of the run; this has both kinds. No label takes part in training.
"""

import argparse
import contextlib
import json

from rich.console import Console

from ssl_jax import loop
from ssl_jax.api import joined
from ssl_jax.config import recipes, schema
from ssl_jax.data import sources
from ssl_jax.reporting import report
from ssl_jax.run import evaluation
from ssl_jax.shard.processes import Flags
from ssl_jax.storage.checkpoint import Checkpoints

LABELS = ("motion", "appearance")


def main() -> None:
    """Measure, and print two tables or JSON."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("workdir")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    job, program = joined(schema.resolve(recipes.of_run(options.workdir)), Flags())
    with contextlib.closing(Checkpoints(f"{options.workdir}/checkpoints", None)) as saved:
        state = saved.restore(saved.chosen(None), program.state)
    results = {}
    for label in LABELS:
        pair = {s: sources.open(f"embedded:moving_fashion_mnist/{s}?label={label}") for s in ("train", "test")}
        other = job._replace(**pair)
        results[label] = evaluation.final(other, program, state, lambda other=other: loop.baseline(other, program))
        if not options.json:
            Console().print(label, report.table(results[label]))
    if options.json:
        print(json.dumps({"steps": int(state.step), "results": results}, indent=1))


if __name__ == "__main__":
    main()
