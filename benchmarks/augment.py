"""The whole SimCLR augmentation, from encoded bytes to normalized floats, where host and device are the same cores.

    python benchmarks/augment.py [--json] [--data=../shared/data] [--seconds=4] [--rounds=5] [--torchvision=PYTHON]

Two views of each image: crop, flip, jitter, gray, at 224 pixels (a folder of photographs) blur, at 32 pixels
(CIFAR-10, as in the paper) none; colors on the device and, for comparison, in tf.data. `colors` is the device's part
alone, on batches from memory. PYTHON is an interpreter that has torch and torchvision: it then runs
benchmarks/augment_torchvision.py on the same files, in rounds that alternate with ours, and the ratio of the medians
is printed. The goal is a ratio of 2 or more.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import jax
import tensorflow_datasets as tfds

from ssl_jax.configs import presets
from ssl_jax.data import sources, stream
from ssl_jax.process.machine import cores
from ssl_jax.views import compose, compose_device, compose_host

TORCHVISION = Path(__file__).with_name("augment_torchvision.py")


def main() -> None:
    """Measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--data", default="../shared/data", help="the folder with imagenet_sample/ and tfds/")
    parser.add_argument("--seconds", type=float, default=4.0, help="of one round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--torchvision", metavar="PYTHON", help="an interpreter that has torchvision")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as small:
        cifar10(options.data, Path(small))
        cases = {
            "32 px": (small, 256, presets.simclr(32, strength=0.5, blur=False, stats=presets.CIFAR10)),
            "224 px": (f"{options.data}/imagenet_sample", 32, presets.simclr(224)),
        }
        results = {name: measure(*case, options) for name, case in cases.items()}
    machine = {"cores": cores(), "load": os.getloadavg()[0], "device": jax.devices()[0].device_kind}
    if options.json:
        print(json.dumps({"machine": machine, "jax": jax.__version__, "results": results}, indent=1))
        return
    print(f"images/s (two views each), {machine['cores']} cores, load {machine['load']:.1f}, on {machine['device']}")
    for name, row in results.items():
        print(f"{name:7s} " + ", ".join(f"{what} {value:.2f}" for what, value in row.items()))


def cifar10(data: str, folder: Path) -> None:
    """2,000 encoded images of CIFAR-10 as files."""
    builder = tfds.builder("cifar10", data_dir=f"{data}/tfds")
    read = builder.as_dataset(split="train[:2000]", decoders={"image": tfds.decode.SkipDecoding()})
    for i, example in enumerate(read):
        (folder / f"{i:04d}.png").write_bytes(example["image"].numpy())


def measure(folder: str, batch: int, views: tuple, options: argparse.Namespace) -> dict[str, float]:
    """Medians over alternating rounds of images/s, and the ratios to torchvision's where it is asked for."""
    source, records = sources.open(f"folder:{folder}"), compose.views(views)
    rounds = {how: augmented(source, records, batch, how, options.seconds) for how in ("device", "host")}
    rounds["colors"] = colors(source, records, batch, options.seconds)
    if options.torchvision:
        for how in ("pillow", "tensors"):
            rounds[f"torchvision_{how}"] = torchvision(folder, views[0]["size"], batch, how, options)
    rates = {name: [] for name in rounds}
    for _ in range(options.rounds):
        for name, one_round in rounds.items():
            rates[name].append(one_round())
    row = {name: statistics.median(values) for name, values in rates.items()}
    if options.torchvision:
        best = max(row["torchvision_pillow"], row["torchvision_tensors"])
        row |= {"ratio_to_pillow": row["device"] / row["torchvision_pillow"], "ratio_to_best": row["device"] / best}
    return row


def augmented(source, records: tuple, batch: int, how: str, seconds: float) -> Callable[[], float]:
    """A round of the stream and the jitted colors."""
    host, device = (make(records, photometric=how) for make in (compose_host.host, compose_device.device))
    step, key = jax.jit(device), jax.random.key(0)
    batches = ({"global": b["global"]} for b in stream.batches(source, host, batch=batch, seed=0))
    return lambda: rate((step(key, b) for b in batches), batch, seconds)


def colors(source, records: tuple, batch: int, seconds: float) -> Callable[[], float]:
    """A round of the jitted colors on one batch in memory."""
    held = next(stream.batches(source, compose_host.host(records), batch=batch, seed=0))["global"]
    step, key = jax.jit(compose_device.device(records)), jax.random.key(0)
    return lambda: rate((step(key, {"global": held}) for _ in iter(int, 1)), batch, seconds)


def rate(steps: Iterator, batch: int, seconds: float) -> float:
    """Examples per second over at least `seconds`, after one step to get going; one step is always under way."""
    last = jax.block_until_ready(next(steps))
    begin, count = time.perf_counter(), 0
    while time.perf_counter() - begin < seconds:
        new = next(steps)
        jax.block_until_ready(last)
        last, count = new, count + batch
    jax.block_until_ready(last)
    return count / (time.perf_counter() - begin)


def torchvision(folder: str, size: int, batch: int, how: str, options: argparse.Namespace) -> Callable[[], float]:
    """A round of benchmarks/augment_torchvision.py in its own interpreter."""
    arguments = [options.torchvision, str(TORCHVISION), folder, str(size), str(batch), how, str(options.seconds)]

    def one_round() -> float:
        done = subprocess.run(arguments, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{' '.join(arguments)} failed: {done.stderr.strip()[-500:]}")
        return float(done.stdout)

    return one_round


if __name__ == "__main__":
    main()
