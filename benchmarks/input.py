"""The host pipeline against decoding alone, and against another commit, on the same cores.

    python benchmarks/input.py [--json] [--data=../shared/data] [--rounds=4] [--blocks=16] [--against=CHECKOUT]

Two views of each image, uint8 out, random resized crops without and with flips, at 224 pixels from a folder of JPEGs
and at 32 pixels from TFDS CIFAR-10; the bound is decoding each image once and doing nothing with it. `encoded` is
CIFAR-10 decoded anew each time; `held` is what `sources.open` makes of it, images that were decoded once. `PNG` and
`TIFF` are 64 of the photographs, and `bands` 12 bands of 16 bits in TIFF, 264 pixels a side, deflated all; tifffile in
a thread for each core decodes TIFF alone. The goal is a ratio of 0.6, and 0.98 to the commit before.

Each round is a process of its own, and what is compared alternates. A round runs `blocks` blocks of as many batches
each; the fastest block counts, since other programs can only slow one down, and of the rounds the fastest again.
`ratio` compares time, `ratio_cpu` the CPU's time, which other programs disturb less.
"""

import argparse
import collections
import glob
import importlib
import itertools
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import tensorflow as tf
import tifffile
from PIL import Image

CROP, FLIP = dict(name="random_resized_crop"), dict(name="flip", p=0.5)
GEOMETRY = {"crops": (CROP,), "crops and flips": (CROP, FLIP)}
CASES = {
    "224 px, folder": (224, 32, 4),
    "32 px, encoded": (32, 256, 16),
    "32 px, held": (32, 256, 24),
    "224 px, PNG": (224, 32, 4),
    "224 px, TIFF": (224, 32, 4),
    "224 px, bands": (224, 32, 4),
}
"""Pixels of a view, images of a batch, and batches of a block."""
MADE = {"224 px, PNG": "png", "224 px, TIFF": "tif", "224 px, bands": "bands"}
"""Cases whose files are written here, and the folder of each."""


def main() -> None:
    """Measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--data", default="../shared/data", help="the folder with imagenet_sample/ and tfds/")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--blocks", type=int, default=16)
    parser.add_argument("--against", metavar="CHECKOUT", help="a checkout of another commit, measured beside this one")
    parser.add_argument("--case", default="", help="of the cases those that contain this")
    parser.add_argument("--made", help=argparse.SUPPRESS)
    parser.add_argument("--one", nargs=2, metavar=("CASE", "GEOMETRY"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(one(*options.one, options)))
        return
    cases = [case for case in CASES if options.case in case]
    with tempfile.TemporaryDirectory() as options.made:
        write(options.data, options.made)
        results = {f"{case}, {geometry}": measure(case, geometry, options) for case in cases for geometry in GEOMETRY}
    machine = {"cores": os.cpu_count(), "processor": platform.processor() or platform.machine()}
    machine |= {"load": os.getloadavg()[0], "tensorflow": tf.__version__}
    if options.json:
        print(json.dumps({"machine": machine, "results": results}, indent=1))
        return
    print(f"{machine['cores']} cores, load {machine['load']:.1f}")
    for name, row in results.items():
        rates = f"{row['pipeline']:8.0f} images/s, decoding alone {row['decode']:8.0f}"
        other = f"; to {options.against} {row['against']:.2f} ({row['against_cpu']:.2f})" if options.against else ""
        print(f"{name:32s} {rates}, ratio {row['ratio']:.2f} (by CPU time {row['ratio_cpu']:.2f}){other}")


def measure(case: str, geometry: str, options: argparse.Namespace) -> dict[str, float]:
    """Images/s, and images per CPU-second, of the pipeline and of decoding alone, and the ratios."""
    here, best = os.getcwd(), {}
    for _ in range(options.rounds):
        sides = {"pipeline": (here, geometry), "decode": (here, "")}
        sides |= {"other": (options.against, geometry)} if options.against else {}
        for side, (checkout, ops) in sides.items():
            found = child(case, ops, checkout, options)
            best[side] = [max(pair) for pair in zip(found, best.get(side, found), strict=True)]
    numbers = {side: rates[0] for side, rates in best.items()}
    numbers |= {f"{side}_cpu": rates[1] for side, rates in best.items()}
    for name, side in {"ratio": "decode", "against": "other"}.items():
        if side in best:
            numbers[name], numbers[f"{name}_cpu"] = (a / b for a, b in zip(best["pipeline"], best[side], strict=True))
    return numbers


def child(case: str, geometry: str, checkout: str, options: argparse.Namespace) -> list[float]:
    """One round in a process of its own, with the library that lies in `checkout`."""
    arguments = [sys.executable, __file__, f"--data={options.data}", f"--blocks={options.blocks}"]
    arguments += [f"--made={options.made}", "--one"]
    path = {"PYTHONPATH": os.path.abspath(checkout), "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run([*arguments, case, geometry], capture_output=True, text=True, env=os.environ | path)
    if done.returncode:
        sys.exit(f"{checkout}: {done.stderr.strip()[-500:]}")
    return json.loads(done.stdout)


def one(case: str, geometry: str, options: argparse.Namespace) -> list[float]:
    """Examples a second, and a second of CPU, of the fastest block; without a geometry, of decoding alone."""
    stream, compose, compose_host = modules("data.stream", "views.compose", "views.compose_host")
    size, batch, batches = CASES[case]
    source = opened(case, options, held="held" in case and bool(geometry))
    if geometry:
        views = compose_host.host(compose.views([dict(group="global", count=2, size=size, ops=GEOMETRY[geometry])]))
        iterator = stream.batches(source, views, batch=batch, seed=0)
    else:
        iterator = tiffs(source, batch) if MADE.get(case, "png") != "png" else decoding(source, batch)
    for _ in range(6):
        next(iterator)
    rates = []
    for _ in range(options.blocks):
        begin, work = time.perf_counter(), time.process_time()
        for _ in range(batches):
            next(iterator)
        rates.append((time.perf_counter() - begin, time.process_time() - work))
    return [batches * batch / min(column) for column in zip(*rates, strict=True)]


def modules(*names: str) -> list:
    """Modules of the library of this process, imported late: the parent needs none."""
    return [importlib.import_module(f"ssl_jax.{name}") for name in names]


def write(data: str, made: str) -> None:
    """The files of `MADE`: photographs without loss, and bands of which each is smooth with noise, as land is."""
    names = sorted(glob.glob(f"{data}/imagenet_sample/*/*"))
    random, (y, x) = np.random.default_rng(0), np.mgrid[:264, :264] / 60
    for folder in MADE.values():
        os.makedirs(f"{made}/{folder}")
    for k, name in enumerate(names[:: len(names) // 64][:64]):
        photograph = Image.open(name).convert("RGB")
        photograph.save(f"{made}/png/{k}.png")
        deflated = dict(compression="zlib", predictor=True)
        tifffile.imwrite(f"{made}/tif/{k}.tif", np.asarray(photograph), photometric="rgb", **deflated)
        land = [1500 + 400 * np.sin(3 * x + b / 3 + k) + 300 * np.cos(5 * y * x + b) for b in range(12)]
        bands = (np.stack(land, -1) + random.normal(0, 20, (264, 264, 12))).astype(np.uint16)
        known = dict(photometric="minisblack", planarconfig="contig", **deflated)
        tifffile.imwrite(f"{made}/bands/{k}.tif", bands, **known)


def opened(case: str, options: argparse.Namespace, *, held: bool):
    """The photographs, what `write` wrote, or 10,000 images of CIFAR-10, decoded once or each time."""
    sources, tfds_source = modules("data.sources", "data.tfds_source")
    data = options.data
    if case in MADE:
        return sources.open(f"folder:{options.made}/{MADE[case]}")
    if "folder" in case:
        return sources.open(f"folder:{data}/imagenet_sample")
    tfds_source.DECODED = tfds_source.DECODED if held else 0
    return sources.open("tfds:cifar10/train[:10000]", data_dir=f"{data}/tfds")


def decoding(source, batch: int) -> Iterator:
    """Decode the images in order, again and again, in parallel, and keep only one pixel of each."""
    (source_module,) = modules("data.source")

    def pixel(index: tf.Tensor) -> tf.Tensor:
        # Not the shape, which is known for some sources, so that nothing would be decoded for it.
        data = source_module.read_raw(source, index % source.size)[0]
        data = data["image"] if isinstance(data, dict) else data  # bytes alone at commits before typed examples
        return tf.io.decode_image(data, channels=3, expand_animations=False)[0, 0, 0]

    options = tf.data.Options()
    options.threading.private_threadpool_size = os.cpu_count()
    options.threading.max_intra_op_parallelism = 1
    endless = tf.data.Dataset.range(tf.int64.max).map(pixel, num_parallel_calls=os.cpu_count())
    return endless.batch(batch).prefetch(2).with_options(options).as_numpy_iterator()


def tiffs(source, batch: int) -> Iterator:
    """As `decoding`, by tifffile."""
    paths = [source.describe(k) for k in range(source.size)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        waiting: collections.deque = collections.deque()
        for k in itertools.count():
            waiting.append(pool.submit(tifffile.imread, paths[k % len(paths)], maxworkers=1))
            if len(waiting) == 3 * batch:  # two batches ahead
                yield [waiting.popleft().result()[0, 0, 0] for _ in range(batch)]


if __name__ == "__main__":
    main()
