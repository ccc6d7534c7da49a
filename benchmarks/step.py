"""The SimCLR step against the machine's best matrix product, in the same run.

    python benchmarks/step.py [--json] [--batch=64] [--rounds=5] [--torch=PYTHON]

ResNet-18 (CIFAR stem) and ViT-Ti/4 at 32 pixels, two views an image, float32, with huge pages as `ssl-jax train` has
them. The operations are those of the products and convolutions as the networks are defined, also where a CPU does with
fewer (Winograd); the bound is a product of two 2048 x 2048 matrices, and rounds of both alternate. PYTHON is an
interpreter that has torch: it then runs benchmarks/step_torch.py, whose speed on the same step is the mark to reach,
before and after ours; its better figure counts.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax

from ssl_jax import machine
from ssl_jax.methods.simclr import simclr
from ssl_jax.nets import heads, resnet, vit
from ssl_jax.shard import mesh, operations, program

SIDE = 2048
TORCH = Path(__file__).with_name("step_torch.py")
ENCODERS = {
    "resnet18": lambda: resnet.resnet(depth=18, stem="cifar"),
    "vit_ti_4": lambda: vit.vit(variant="Ti/4", scan=False),
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
    results = {name: measure(make(), options.batch, options.rounds) for name, make in ENCODERS.items()}
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


def measure(encoder, batch: int, rounds: int) -> dict[str, float]:
    """Seconds a step, its GFLOP/s, those of the matrix product, and their ratio; medians of alternating rounds."""
    step, flops = prepared(encoder, batch)
    square = jnp.ones((SIDE, SIDE))
    product = jax.jit(lambda a: a @ a)
    jax.block_until_ready(product(square))
    times = [(timed(step), timed(lambda: product(square))) for _ in range(rounds)]
    seconds, alone = (statistics.median(column) for column in zip(*times, strict=True))
    rate, bound = flops / seconds / 1e9, 2 * SIDE**3 / alone / 1e9
    return {"seconds": seconds, "gflop": flops / 1e9, "gflops": rate, "bound": bound, "ratio": rate / bound}


def prepared(encoder, batch: int):
    """A function that runs one step on made-up views, and the operations in it."""
    method = simclr(encoder, heads.simclr_projector(widths=(512, 128)))

    def floats(key, ints):
        return {**ints, "global": ints["global"].astype(jnp.float32) / 64 - 2}

    shapes = {"global": jax.ShapeDtypeStruct((batch, 2, 32, 32, 3), np.uint8)}
    shapes |= {name: jax.ShapeDtypeStruct((batch,), np.int32) for name in ("index", "label")}
    built = program.build(method, optax.sgd(0.1, 0.9), floats, floats, shapes, mesh.make())
    key = jax.random.key(0)
    held = {"state": built.init(key)}
    ints = {name: jnp.zeros(s.shape, s.dtype) for name, s in shapes.items()}
    ints["global"] = jax.random.randint(key, shapes["global"].shape, 0, 255).astype(np.uint8)
    flops = operations.flops(built.step.trace(held["state"], ints, key).jaxpr.jaxpr)

    def step():
        held["state"], metrics = built.step(held["state"], ints, key)
        return metrics

    jax.block_until_ready(step())
    return step, flops


def timed(run) -> float:
    """Seconds of one call."""
    begin = time.perf_counter()
    jax.block_until_ready(run())
    return time.perf_counter() - begin


if __name__ == "__main__":
    main()
