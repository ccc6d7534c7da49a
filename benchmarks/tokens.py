"""Two ways to take k of l tokens of each example: a gather, and a product with one-hot rows. Slow.

    python benchmarks/tokens.py [--into=benchmarks/results/tokens.json]

[256, 196, 768] -> [256, 49, 768], as MAE's encoder does once a step: milliseconds forward, and forward and backward, on
this machine; and, where libtpu is installed, operations and bytes of the same for a TPU v5e without one, as its
compiler counts them. A TPU's time is at least bytes over bandwidth, and operations over the peak.
"""

import argparse
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import topologies

from ssl_jax.planning import QUIET

SHAPE, KEEP, TRIES = (256, 196, 768), 49, 25
DTYPES = ("float32", "bfloat16")


def gathered(x: jax.Array, keep: jax.Array) -> jax.Array:
    """As `tasks.masks.take`."""
    return jnp.take_along_axis(x, keep[..., None], 1)


def promised(x: jax.Array, keep: jax.Array) -> jax.Array:
    """The same, with the promise that places are sorted, inside, and no two of them the same."""
    promise = dict(mode="promise_in_bounds", unique_indices=True, indices_are_sorted=True)
    return jax.vmap(lambda rows, at: rows.at[at].get(**promise))(x, keep)


def product(x: jax.Array, keep: jax.Array) -> jax.Array:
    """A product with one-hot rows, which is exact: each sum has one term that is not 0."""
    return jax.nn.one_hot(keep, x.shape[1], dtype=x.dtype) @ x


WAYS = {"gather": gathered, "gather, promised": promised, "one-hot product": product}


def programs(way: Callable) -> dict[str, Callable]:
    """What is measured: the selection, and the gradient of the tokens by way of it."""
    return {"forward": way, "both": jax.grad(lambda x, keep: jnp.sum(jnp.square(way(x, keep).astype(jnp.float32))))}


def places() -> np.ndarray:
    """Sorted places, others for each example."""
    noise = np.random.default_rng(0).random(SHAPE[:2])
    return np.sort(np.argsort(noise, 1)[:, :KEEP], 1).astype(np.int32)


def timed(program: Callable, dtype: str) -> float:
    """Milliseconds of a call on this machine, the quickest, as it may have other work."""
    x = jnp.asarray(np.random.default_rng(1).normal(size=SHAPE), dtype)
    keep, compiled, seconds = jnp.asarray(places()), jax.jit(program), []
    jax.block_until_ready(compiled(x, keep))
    for _ in range(TRIES):
        start = time.perf_counter()
        jax.block_until_ready(compiled(x, keep))
        seconds.append(time.perf_counter() - start)
    return round(1e3 * min(seconds), 2)


def counted(program: Callable, dtype: str) -> dict:
    """Operations and bytes of a call on one chip of a v5e."""
    device = topologies.get_topology_desc(platform="tpu", topology_name="v5e:2x2").devices[0]
    place = jax.sharding.SingleDeviceSharding(device)
    shapes = jax.ShapeDtypeStruct(SHAPE, dtype), jax.ShapeDtypeStruct((SHAPE[0], KEEP), jnp.int32)
    cost = jax.jit(program, in_shardings=(place, place), out_shardings=place).lower(*shapes).compile().cost_analysis()
    return {"gigaflops": round(cost["flops"] / 1e9, 3), "gigabytes": round(cost["bytes accessed"] / 1e9, 3)}


def main() -> None:
    """Measures all, prints a line for each, and writes."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--into", metavar="FILE", type=Path)
    options, rows = parser.parse_args(), []
    os.environ.update(QUIET)  # for the TPU's compiler
    jax.config.update("jax_platforms", "cpu")
    for way, function in WAYS.items():
        for dtype in DTYPES:
            for name, program in programs(function).items():
                row = {"way": way, "dtype": dtype, "program": name, "milliseconds": timed(program, dtype)}
                rows.append({**row, "v5e": counted(program, dtype)})
                print(rows[-1], flush=True)
    if options.into:
        command = "python benchmarks/tokens.py --into=benchmarks/results/tokens.json"
        options.into.write_text(json.dumps({"command": command, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
