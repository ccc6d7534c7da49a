"""The SimCLR step on one accelerator: images/s, FLOP/s, memory and compile time, of networks that are worth one.

    python benchmarks/step_device.py resnet50 [--dtype=bfloat16] [--batches=64,...,1024] [--json=FILE] [--text=FILE]

Two uint8 views of each image lie on the device already. The smallest batch is measured and the largest that fits, which
the memory of the smallest tells, with views that are scaled to floats and no more (what `step_torch.py` does), and the
largest also with SimCLR's colors and blur, the device's part of its augmentation. An image is an example: a step has
two views of each. FLOP/s count the products and convolutions of the network as it is defined, beside a product of two
matrices on the same device. --text: where the compiled step goes, to be read, of the last batch without colors.
"""

import argparse
import importlib
import json
import math
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import jax
import jax.numpy as jnp
from step import CASES, Case, floats, made

from ssl_jax.configs import presets
from ssl_jax.nets import resnet, vit
from ssl_jax.shard import operations

LARGE = {
    "resnet50": Case(lambda dtype: resnet.resnet(depth=50, dtype=dtype), 224, 2048),
    "vit_b_16": Case(lambda dtype: vit.vit(variant="B/16", dtype=dtype), 224, 2048),
    "vit_b_16_unrolled": Case(lambda dtype: vit.vit(variant="B/16", scan=False, dtype=dtype), 224, 2048),
}
TINY = {
    "tiny_resnet": Case(lambda dtype: resnet.resnet(depth=(1, 1), base=4, dtype=dtype), 32, 16),
    "tiny_vit": Case(lambda dtype: vit.vit(variant=(16, 1, 2, 8), dtype=dtype), 32, 16),
}
"""For a CPU, which tests this script with them."""
INITS: dict = {}
"""The first program's, compiled once: the state is the same for every batch."""


def main() -> None:
    """Measures, prints a line for each, and writes JSON."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("case", choices=[*CASES, *LARGE, *TINY])
    parser.add_argument("--dtype", default="bfloat16")
    parser.add_argument("--batches", default="64,128,256,512,1024", help="the smallest and whatever larger may fit")
    parser.add_argument("--scaled", action="store_true", help="no third measurement, with colors")
    parser.add_argument("--seconds", type=float, default=1.0, help="of one of five rounds")
    parser.add_argument("--json", metavar="FILE", type=Path)
    parser.add_argument("--text", metavar="FILE", type=Path)
    options = parser.parse_args()
    case = (CASES | LARGE | TINY)[options.case]
    about = {"device": jax.devices()[0].device_kind, "jax": jax.__version__, "product_tflops": product()}
    rows = []
    for row in measured(case, options):
        rows.append(row)
        print(f"{options.case} {options.dtype}, " + ", ".join(told(row)), flush=True)
        if options.json:
            options.json.write_text(json.dumps({**about, "dtype": options.dtype, "rows": rows}, indent=1))
    sys.exit("nothing could be measured" if not any("seconds" in row for row in rows) else 0)


def measured(case: Case, options: argparse.Namespace):
    """Rows: the smallest batch, the largest that fits, and that one with colors; smaller ones where it does not."""
    smallest, *larger = sorted(map(int, options.batches.split(",")))
    first = attempt(case, smallest, floats, options)
    yield {"views": "scaled", **first}
    fitting = [batch for batch in larger if first.get("planned", math.inf) and predicted(first, batch) <= limit()]
    for batch in reversed(fitting):
        row = attempt(case, batch, floats, options)
        yield {"views": "scaled", **row}
        if "seconds" in row:
            break
    largest = row["batch"] if fitting and "seconds" in row else smallest
    if not options.scaled:
        yield {"views": "augmented", **attempt(case, largest, colors(case.side), options)}


def predicted(row: dict, batch: int) -> float:
    """Bytes of a step of another batch: those of the state stay, the others grow with it."""
    return row["state"] + (row["planned"] - row["state"]) / row["batch"] * batch


def limit() -> float:
    """Bytes that arrays may take of the device."""
    return (jax.devices()[0].memory_stats() or {}).get("bytes_limit", math.inf)


def attempt(case: Case, batch: int, augment: Callable, options: argparse.Namespace) -> dict:
    """The numbers of one batch, or how it failed for want of memory."""
    try:
        return numbers(case, batch, augment, options)
    except jax.errors.JaxRuntimeError as error:
        if "RESOURCE_EXHAUSTED" not in str(error):
            raise
        return {"batch": batch, "failed": str(error).splitlines()[0][:200]}


def numbers(case: Case, batch: int, augment: Callable, options: argparse.Namespace) -> dict:
    """Compiles a step, looks at it, and times it."""
    built, ints = made(case, batch, dtype=options.dtype, augment=augment)
    key = jax.random.key(0)
    state = INITS.setdefault((case, options.dtype), built.init)(key)
    begin = time.perf_counter()
    compiled = built.step.lower(state, ints, key).compile()
    row = {"batch": batch, "compile_seconds": time.perf_counter() - begin, **looked_at(compiled, state)}
    if options.text and augment is floats:
        options.text.write_text(compiled.as_text())
    old = jax.tree.leaves(state)
    state, metrics = jax.block_until_ready(compiled(state, ints, key))
    row |= {"donated": all(leaf.is_deleted() for leaf in old), "loss": float(metrics["loss"])}
    held = [state]

    def step():
        held[0], metrics = compiled(held[0], ints, key)
        return metrics

    row["seconds"] = timed(step, options.seconds)
    plain = built if augment is floats else made(case, batch, dtype=options.dtype)[0]
    operations_of_one = operations.flops(plain.step.trace(held[0], ints, key).jaxpr.jaxpr)
    row |= {"images_per_second": batch / row["seconds"], "tflops": operations_of_one / row["seconds"] / 1e12}
    if augment is not floats:
        alone = jax.jit(augment)
        row["augment_seconds"] = timed(lambda: alone(key, ints)["global"], options.seconds)
    return row | {"peak": (jax.devices()[0].memory_stats() or {}).get("peak_bytes_in_use")}


def looked_at(compiled: jax.stages.Compiled, state) -> dict:
    """What the compiler says of a step: bytes, and what its convolutions became."""
    memory, text = compiled.memory_analysis(), compiled.as_text()
    sizes = {name: getattr(memory, f"{name}_size_in_bytes") for name in ("argument", "output", "temp", "alias")}
    costs = compiled.cost_analysis() or {}
    return {
        "state": sum(leaf.nbytes for leaf in jax.tree.leaves(state)),
        "planned": sizes["argument"] + sizes["output"] + sizes["temp"] - sizes["alias"],
        "kept_in_place": sizes["alias"],
        "moved": costs.get("bytes accessed"),
        "cudnn_convolutions": text.count('custom_call_target="__cudnn$conv'),
        "cublas_products": text.count('custom_call_target="__cublas$'),
        "cudnn_attentions": text.count('custom_call_target="__cudnn$fmha'),
    }


def timed(run: Callable, seconds: float, rounds: int = 5) -> float:
    """Seconds of one call: the median of rounds of as many calls as take `seconds`, waited for at their end."""
    jax.block_until_ready(run())
    begin = time.perf_counter()
    jax.block_until_ready(run())
    count = max(1, round(seconds / (time.perf_counter() - begin)))
    times = []
    for _ in range(rounds):
        begin = time.perf_counter()
        for _ in range(count):
            last = run()
        jax.block_until_ready(last)
        times.append((time.perf_counter() - begin) / count)
    return statistics.median(times)


def product() -> float:
    """TFLOP/s of a product of two bfloat16 matrices: 8192 x 8192 of random numbers, small ones on a CPU."""
    side = 256 if jax.default_backend() == "cpu" else 8192
    square = jax.random.normal(jax.random.key(0), (side, side), jnp.bfloat16)
    run = jax.jit(lambda a: a @ a)
    return 2 * side**3 / timed(lambda: run(square), 0.1) / 1e12


def colors(side: int) -> Callable:
    """SimCLR's views on the device. Only the host's part of them needs tensorflow: a stand-in does where it is not."""
    absent = importlib.util.find_spec("tensorflow") is None
    if absent:
        sys.modules["tensorflow"] = mock.MagicMock()
    try:
        compose, device = (importlib.import_module(f"ssl_jax.views.{name}") for name in ("compose", "compose_device"))
    finally:
        if absent:
            del sys.modules["tensorflow"]
    return device.device(compose.views(presets.simclr(side)))


def told(row: dict) -> list[str]:
    """A row in words."""
    if "failed" in row:
        return [f"batch {row['batch']}: {row['failed']}"]
    words = [
        f"batch {row['batch']} ({row['views']} views): {row['images_per_second']:.0f} images/s of two views",
        f"{1e3 * row['seconds']:.1f} ms a step",
        f"{row['tflops']:.1f} TFLOP/s",
        f"compiled in {row['compile_seconds']:.0f} s",
        f"planned {row['planned'] / 2**30:.2f} GiB",
        f"peak {row['peak'] / 2**30:.2f} GiB" if row["peak"] else "peak unknown",
        f"{row['cudnn_convolutions']} convolutions and {row['cudnn_attentions']} attentions by cuDNN",
        f"state {'' if row['donated'] else 'not '}donated",
    ]
    return words + ([f"augmentation alone {1e3 * row['augment_seconds']:.1f} ms"] if "augment_seconds" in row else [])


if __name__ == "__main__":
    main()
