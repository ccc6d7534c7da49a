"""One process of a run, for tests: trains a tiny recipe and leaves what it saw beside the work directory.

python -m tests.shard.worker WORKDIR '{"batch": "16", …}' [--coordinator=… --processes=… --process=…]

The recipe is the quickstart made tiny, or, with --config, another one with the changes alone.
"""

import argparse
import json
import pathlib
import sys
import time

import jax
import numpy as np

from ssl_jax import api, loop
from ssl_jax.cli.verbs import _together
from ssl_jax.config import recipes
from ssl_jax.process import stopping
from ssl_jax.process.goodput import Goodput
from ssl_jax.run import evaluation, health
from ssl_jax.shard import processes
from ssl_jax.storage.checkpoint import Checkpoints, Damaged
from tests.faults import faults

TINY = {
    "nets.encoder.base": "4",
    "nets.encoder.depth": "(1,)",
    "nets.projector.widths": "(8,)",
    "batch": "16",
    "lr": "0.01",
    "data.train": "embedded:fashion_mnist/test",
    "data.test": "",
    "log.every": "1 step",
    "evaluation.every": "never",
    "evaluation.batch": "20",
    "duration": "4 steps",
}


def recorded(batches, seen: list, pause: float):
    """The same batches; their indices are noted."""
    for batch in batches:
        seen.append(batch["index"].copy())
        time.sleep(pause)
        yield batch


def misread(step: int) -> None:
    """From now on this process, and no other, finds the checkpoint of a step damaged."""
    read = Checkpoints._read

    def failing(self, asked, *rest):
        if asked == step:
            raise Damaged(self._folder, step, "its state cannot be read")
        return read(self, asked, *rest)

    Checkpoints._read = failing


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("workdir")
    parser.add_argument("changes", type=json.loads)
    parser.add_argument("--pause", type=float, default=0.0)
    parser.add_argument("--features", action="store_true")
    parser.add_argument("--misread", type=int)
    parser.add_argument("--config")
    parser.add_argument("--collapse", action="store_true")
    _together.add(parser)
    args = parser.parse_args()
    if args.misread:
        misread(args.misread)
    processes.Together.EVERY = 0.05
    seen, plain = [], loop.batches
    loop.batches = lambda job, start=0: recorded(plain(job, start), seen, args.pause)
    with processes.failing_alone():
        changes = args.changes if args.config else {**TINY, **args.changes}
        full = api.resolved(recipes.load(args.config or "quickstart"), changes, args.workdir)
        job, program = api.joined(full, _together.flags(args))
        if args.collapse:
            health.PATIENCE, health.LATE = 3, 2
            job = faults.collapse_for_a_while(job)
            program = loop.compiled(job)
        with stopping.by_signals() as stop, processes.Together() as together:
            if processes.several():
                stop.join(together)
            state, step = loop.train(job, program, args.workdir, Goodput(), stop)
        out = pathlib.Path(f"{args.workdir}.{jax.process_index()}.npz")
        x, y = np.zeros(0), np.zeros(0)
        if args.features:
            x, y, _ = evaluation.embedded(job, program, evaluation.some(job.train, 50), state)
        np.savez(out, seen=np.stack(seen), step=step, features=x, labels=y, devices=jax.device_count())


if __name__ == "__main__":
    try:
        main()
    except ValueError as error:
        sys.stderr.write(f"ssl-jax: {error}\n")
        sys.exit(2)
