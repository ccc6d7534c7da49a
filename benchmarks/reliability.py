"""What it costs that nothing is lost: the guard of the step, saving, and a restart.

    python benchmarks/reliability.py [--json] [--data=../shared/data] [--rounds=5] [--steps=20]

guard: the quickstart's step as it is, over the same step that takes every update, finite or not; 2 R - 1 rounds
alternate (single ones differ by a tenth), and the goal is 1.01. saving: the state of SimCLR with ResNet-50, as often as
`--config.checkpoint.every` says; the seconds for which one save holds the loop, and those until it is on disk. restart:
seconds from the command line to the end of the first step of a run that goes on (the CIFAR-10 recipe, compiled before);
the goal is 15.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import types
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np

from ssl_jax import loop, step
from ssl_jax.config import build, recipes, schema
from ssl_jax.data import stream
from ssl_jax.process import machine
from ssl_jax.storage.checkpoint import Checkpoints, Keep


def main() -> None:
    """Measures, and prints lines or JSON."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--data", default="../shared/data", help="the folder with imagenet_sample/ and tfds/")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=20, help="of a round")
    options = parser.parse_args()
    machine.start_with_huge_pages()
    result = {"guard": guard(options), **saving(options), "restart_seconds": restart(options)}
    result |= {"cores": os.cpu_count(), "load": os.getloadavg()[0], "jax": jax.__version__}
    print(json.dumps(result, indent=1) if options.json else "\n".join(f"{k:22s} {v}" for k, v in result.items()))


def job(recipe: str, **changes: str):
    """A recipe's job, without a test set."""
    changes = {"data__test": "", "evaluation__every": "never", **changes}
    changes = {key.replace("__", "."): value for key, value in changes.items()}
    changed = recipes.override(schema.resolve(recipes.load(recipe)), changes)
    return build.job(schema.resolve(changed))


def guard(options: argparse.Namespace) -> float:
    """Median of the paired rounds: the guarded step over the unguarded one."""
    with_guard = rounds(options)
    careless = types.SimpleNamespace(**{**vars(jnp), "where": lambda finite, new, old: new})
    with mock.patch.object(step, "jnp", careless):
        without = rounds(options)
    return statistics.median(with_guard() / without() for _ in range(2 * options.rounds - 1))


def rounds(options: argparse.Namespace) -> Callable[[], float]:
    """A function that takes some steps of the quickstart and gives their seconds."""
    work = job("quickstart", duration="10 steps")
    program, key = loop.compiled(work), loop.keys(0)["step"]
    batch = next(stream.batches(work.train, work.training.host, batch=work.clock.batch, seed=0))
    batch = {k: jax.device_put(v, program.by_example) for k, v in batch.items() if k != "replaced"}
    state, _ = program.step(loop.fresh(work, program), batch, key)

    def one() -> float:
        nonlocal state
        jax.block_until_ready(state)
        begin = time.perf_counter()
        for _ in range(options.steps):
            state, _ = program.step(state, batch, key)
        jax.block_until_ready(state)
        return time.perf_counter() - begin

    one()
    return one


def saving(options: argparse.Namespace) -> dict[str, float]:
    """Seconds that a save holds the loop, and until it is done, for SimCLR's ResNet-50; and the size of its state."""
    source = f"folder:{options.data}/imagenet_sample"
    work = job("simclr_imagenet_r50", duration="10 steps", batch="8", probe="False", data__train=source)
    program = loop.compiled(work)
    state = jax.tree.map(lambda a: jnp.asarray(np.ones(a.shape, a.dtype)), program.state)
    held, whole = [], []
    with tempfile.TemporaryDirectory() as folder:
        saved = Checkpoints(folder, Keep(1))
        for number in range(options.rounds + 1):
            begin = time.perf_counter()
            saved.save(state, number)
            held.append(time.perf_counter() - begin)
            saved.wait()
            whole.append(time.perf_counter() - begin)
        saved.close()
    size = sum(leaf.nbytes for leaf in jax.tree.leaves(state)) / 1e6
    return {
        "save_holds_seconds": statistics.median(held[1:]),
        "save_seconds": statistics.median(whole[1:]),
        "state_mb": size,
    }


def restart(options: argparse.Namespace) -> float:
    """Median seconds of a process from its start to its first new row."""
    taken = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(options.rounds + 1):
            length = f"--config.duration={2 * number + 2} steps"
            flags = [length, "--config.log.every=1 step", "--config.evaluation.every=never", "--config.data.test="]
            flags += [f"--config.data.dir={options.data}/tfds", "--config=simclr_cifar10", f"--workdir={folder}"]
            rows, begin = Path(folder) / "metrics.jsonl", time.perf_counter()
            process = subprocess.Popen([sys.executable, "-m", "ssl_jax", "train", *flags], stdout=subprocess.DEVNULL)
            while not rows.exists() or len(rows.read_text().splitlines()) <= 2 * number:
                if process.poll() not in (None, 0):
                    sys.exit("the run ended too early")
                time.sleep(0.05)
            taken.append(time.perf_counter() - begin)
            process.wait()
    return statistics.median(taken[1:])


if __name__ == "__main__":
    main()
