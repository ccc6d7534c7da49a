"""The SimCLR step against the machine's best matrix product, in the same run.

    python benchmarks/step.py [--json] [--batch=64] [--rounds=5] [--torch=PYTHON]

ResNet-18 (CIFAR stem) and ViT-Ti/4 at 32 pixels, two views an image, float32, with huge pages as `ssl-jax train` has
them. The operations are those of the products and convolutions as the networks are defined, also where a CPU does with
fewer (Winograd); the bound is a product of two 2048 x 2048 matrices, and rounds of both alternate. PYTHON is an
interpreter that has torch: it then runs benchmarks/step_torch.py, whose speed on the same step is the mark to reach,
before and after ours; its better figure counts. `benchmarks/step_device.py` times larger networks on an accelerator.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from ssl_jax.methods.simclr import simclr
from ssl_jax.nets import heads, resnet, vit
from ssl_jax.process import machine
from ssl_jax.shard import mesh, operations, program

SIDE = 2048
TORCH = Path(__file__).with_name("step_torch.py")


class Case(NamedTuple):
    """dtype -> encoder, the side of its images in pixels, and the hidden width of its projector."""

    encoder: Callable
    side: int
    hidden: int


CASES = {
    "resnet18": Case(lambda dtype: resnet.resnet(depth=18, stem="cifar", dtype=dtype), 32, 512),
    "vit_ti_4": Case(lambda dtype: vit.vit(variant="Ti/4", scan=False, dtype=dtype), 32, 512),
}


def main() -> None:
    """Measures, and prints a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--torch", metavar="PYTHON", help="an interpreter that has torch")
    options = parser.parse_args()
    machine.start_with_huge_pages()
    before = torch(options)
    results = {name: measure(case, options.batch, options.rounds) for name, case in CASES.items()}
    for name, theirs in torch(options).items():
        results[name]["torch_seconds"] = min(theirs, before[name])
        results[name]["ratio_to_torch"] = results[name]["torch_seconds"] / results[name]["seconds"]
    about = {"cores": machine.cores(), "devices": jax.device_count(), "load": os.getloadavg()[0]}
    about |= {"processor": platform.processor() or platform.machine(), "jax": jax.__version__}
    if options.json:
        print(json.dumps({"machine": about, "batch": options.batch, "results": results}, indent=1))
        return
    for name, row in results.items():
        mark = f", {row['ratio_to_torch']:.2f} of torch's speed" if options.torch else ""
        print(f"{name:10s} {row['seconds']:.3f} s a step, {row['gflops']:.0f} GFLOP/s, product "
              f"{row['bound']:.0f} GFLOP/s, ratio {row['ratio']:.2f}{mark}")  # fmt: skip


def torch(options: argparse.Namespace) -> dict[str, float]:
    """Seconds a step of benchmarks/step_torch.py; nothing where no interpreter is named."""
    if not options.torch:
        return {}
    arguments = [options.torch, str(TORCH), f"--batch={options.batch}", f"--rounds={options.rounds}"]
    done = subprocess.run(arguments, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(arguments)} failed: {done.stderr.strip()[-500:]}")
    return json.loads(done.stdout)["seconds"]


def measure(case: Case, batch: int, rounds: int) -> dict[str, float]:
    """Seconds a step, its GFLOP/s, those of the matrix product, and their ratio; medians of alternating rounds."""
    step, flops = prepared(case, batch)
    square = jnp.ones((SIDE, SIDE))
    product = jax.jit(lambda a: a @ a)
    jax.block_until_ready(product(square))
    times = [(timed(step), timed(lambda: product(square))) for _ in range(rounds)]
    seconds, alone = (statistics.median(column) for column in zip(*times, strict=True))
    rate, bound = flops / seconds / 1e9, 2 * SIDE**3 / alone / 1e9
    return {"seconds": seconds, "gflop": flops / 1e9, "gflops": rate, "bound": bound, "ratio": rate / bound}


def prepared(case: Case, batch: int):
    """A function that runs one step on made-up views, and the operations in it."""
    built, ints = made(case, batch)
    key = jax.random.key(0)
    held = {"state": built.init(key)}
    flops = operations.flops(built.step.trace(held["state"], ints, key).jaxpr.jaxpr)

    def step():
        held["state"], metrics = built.step(held["state"], ints, key)
        return metrics

    jax.block_until_ready(step())
    return step, flops


def floats(key, ints):
    """What stands for the device's part of the views: around 0, with a std of about 1."""
    return {**ints, "global": ints["global"].astype(jnp.float32) / 64 - 2}


def made(case: Case, batch: int, *, dtype: str = "float32", augment: Callable = floats) -> tuple[program.Program, dict]:
    """SimCLR with momentum on one device, and a batch of made-up views on it: two an example."""
    projector = heads.simclr_projector(widths=(case.hidden, 128), dtype=dtype)
    method = simclr(case.encoder(dtype), projector)
    shapes = {"global": jax.ShapeDtypeStruct((batch, 2, case.side, case.side, 3), np.uint8)}
    shapes |= {name: jax.ShapeDtypeStruct((batch,), np.int32) for name in ("index", "label")}
    built = program.build(method, optax.sgd(0.1, 0.9), augment, floats, shapes, mesh.make(devices=jax.devices()[:1]))
    ints = {name: jnp.zeros(s.shape, s.dtype) for name, s in shapes.items()}
    ints["global"] = jax.random.bits(jax.random.key(0), shapes["global"].shape, np.uint8)
    return built, ints


def timed(run) -> float:
    """Seconds of one call."""
    begin = time.perf_counter()
    jax.block_until_ready(run())
    return time.perf_counter() - begin


if __name__ == "__main__":
    main()
