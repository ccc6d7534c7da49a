"""The whole loop against the bare jitted step on the same batches from memory.

    python benchmarks/loop.py [--json] [--steps=60] [--rounds=5]

Both run the quickstart's step on batches that are on the device already. The loop adds what training adds: the
feed's thread, schedules, metrics every ten steps, the log, the guards. Rounds alternate; the goal is 0.97.
"""

import argparse
import contextlib
import itertools
import json
import os
import statistics
import tempfile
import time
from unittest import mock

import jax

from ssl_jax import loop
from ssl_jax.config import build, recipes, schema
from ssl_jax.data import stream
from ssl_jax.process import machine
from ssl_jax.process.goodput import Goodput
from ssl_jax.process.stopping import Stop


def main() -> None:
    """Measures, and prints a line or JSON."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    machine.start_with_huge_pages()
    job, program = quickstart(options.steps)
    real = stream.batches(job.train, job.training.host, batch=job.clock.batch, seed=0)
    held = list(itertools.islice(real, 4))
    bare(job, program, held, 3)
    rows = []
    for _ in range(options.rounds):
        rows.append((bare(job, program, held, options.steps), looped(job, program, held)))
    alone, whole = (options.steps / statistics.median(column) for column in zip(*rows, strict=True))
    pairs = [a / b for a, b in rows]
    result = {
        "bare": alone,
        "loop": whole,
        "ratio": statistics.median(pairs),
        "compilations": program.step._cache_size(),
    }
    result |= {"cores": os.cpu_count(), "load": os.getloadavg()[0], "steps": options.steps}
    print(json.dumps(result, indent=1) if options.json else f"bare {alone:.2f}, loop {whole:.2f} steps/s, "
          f"ratio {result['ratio']:.3f}, {result['compilations']} compiled step")  # fmt: skip


def quickstart(steps: int):
    """The quickstart's job, `steps` long, without evaluation in between, and its program."""
    changes = {"duration": f"{steps} steps", "evaluation.every": "never", "batch": "64", "lr": "0.001"}
    job = build.job(schema.resolve(recipes.override(schema.resolve(recipes.load("quickstart")), changes)))
    return job, loop.compiled(job)


def bare(job, program, held: list, steps: int) -> float:
    """Seconds of the jitted step alone."""
    state, key = loop.fresh(job, program), loop.keys(0)["step"]
    ready = [{k: jax.device_put(v, program.by_example) for k, v in b.items() if k != "replaced"} for b in held]
    jax.block_until_ready((state, ready))
    begin = time.perf_counter()
    for _, batch in zip(range(steps), itertools.cycle(ready), strict=False):
        state, metrics = program.step(state, batch, key)
    jax.block_until_ready(state)
    return time.perf_counter() - begin


def looped(job, program, held: list) -> float:
    """Seconds of `loop.train` from the end of the first step to that of the last one, on the device; no checkpoint.

    Not from call to call: the loop runs many steps ahead of the device.
    """
    marks = []
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(open(os.devnull, "w")):
        with mock.patch.object(stream, "batches", lambda *a, **k: itertools.cycle(held)):
            state, _ = loop.train(job._replace(every=job.every._replace(checkpoint="never")),
                                  program, folder, Goodput(), Stop(),
                                  lambda: marks.append(time.perf_counter()))  # fmt: skip
        jax.block_until_ready(state)
    steps = len(marks)
    return (marks[-1] - marks[0]) * steps / (steps - 1)


if __name__ == "__main__":
    main()
