"""The SimCLR step against the machine's best matrix product, in the same run.

    python benchmarks/step.py [--json] [--batch=64] [--rounds=5]

ResNet-18 (CIFAR stem) and ViT-Ti/4 at 32 pixels, two views an image, float32. The operations are counted from the
lowered step by XLA, with the bodies of scans times their length (`scan=False` makes that true by construction); the
bound is a product of two 2048 x 2048 matrices, and rounds of both alternate.
"""

import argparse
import json
import os
import platform
import statistics
import time

import jax
import jax.numpy as jnp
import numpy as np
import optax

from ssl_jax.methods.simclr import simclr
from ssl_jax.nets import heads, resnet, vit
from ssl_jax.shard import mesh, program

SIDE = 2048
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
    options = parser.parse_args()
    results = {name: measure(make(), options.batch, options.rounds) for name, make in ENCODERS.items()}
    machine = {"cores": os.cpu_count(), "processor": platform.processor() or platform.machine()}
    machine |= {"load": os.getloadavg()[0], "jax": jax.__version__, "platform": jax.default_backend()}
    if options.json:
        print(json.dumps({"machine": machine, "batch": options.batch, "results": results}, indent=1))
        return
    for name, row in results.items():
        print(f"{name:10s} {row['seconds']:.3f} s a step, {row['gflops']:.0f} GFLOP/s, product "
              f"{row['bound']:.0f} GFLOP/s, ratio {row['ratio']:.2f}")  # fmt: skip


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
    flops = built.step.lower(held["state"], ints, key).cost_analysis()["flops"]

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
