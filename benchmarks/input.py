"""The host pipeline against decoding alone, on the same cores in the same run.

    python benchmarks/input.py [--json] [--data=../shared/data] [--seconds=3] [--rounds=5]

Two views of each image, uint8 out, random resized crops without and with flips, at 224 pixels from a folder of JPEGs
and at 32 pixels from TFDS CIFAR-10; the bound is decoding each image once and doing nothing with it. Rounds of the two
alternate, and the medians are compared, so that other programs on the machine disturb both alike; `ratio_cpu` compares
images per second of CPU instead, which other programs disturb less. `encoded` is CIFAR-10 decoded anew each time;
`held` is what `sources.open` makes of it, images that were decoded once. The goal is a ratio of 0.6.
"""

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator

import tensorflow as tf

from ssl_jax.data import sources, stream, tfds_source
from ssl_jax.data.source import Source, read_raw
from ssl_jax.machine import cores
from ssl_jax.views import compose, compose_host

CROP, FLIP = dict(name="random_resized_crop"), dict(name="flip", p=0.5)
GEOMETRY = {"crops": (CROP,), "crops and flips": (CROP, FLIP)}


def main() -> None:
    """Measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--data", default="../shared/data", help="the folder with imagenet_sample/ and tfds/")
    parser.add_argument("--seconds", type=float, default=3.0, help="of one round")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    cases = {
        "224 px, folder": (sources.open(f"folder:{options.data}/imagenet_sample"), 224, 32),
        "32 px, encoded": (cifar10(options.data, held=False), 32, 256),
        "32 px, held": (cifar10(options.data, held=True), 32, 256),
    }
    bound = cases["32 px, encoded"][0]
    results = {
        f"{name}, {geometry}": measure(source, bound if size == 32 else source, size, batch, ops, options)
        for name, (source, size, batch) in cases.items()
        for geometry, ops in GEOMETRY.items()
    }
    machine = {"cores": cores(), "processor": platform.processor() or platform.machine(), "load": os.getloadavg()[0]}
    if options.json:
        print(json.dumps({"machine": machine, "tensorflow": tf.__version__, "results": results}, indent=1))
        return
    print(f"{machine['cores']} cores, load {machine['load']:.1f}")
    for name, row in results.items():
        rates = f"{row['pipeline']:8.0f} images/s, decoding alone {row['decode']:8.0f}"
        print(f"{name:32s} {rates}, ratio {row['ratio']:.2f} (by CPU time {row['ratio_cpu']:.2f})")


def cifar10(data: str, *, held: bool) -> Source:
    """10,000 images of CIFAR-10, decoded once or each time."""
    limit, tfds_source.DECODED = tfds_source.DECODED, tfds_source.DECODED if held else 0
    source = sources.open("tfds:cifar10/train[:10000]", data_dir=f"{data}/tfds")
    tfds_source.DECODED = limit
    return source


def measure(
    source: Source, bound: Source, size: int, batch: int, ops: tuple, options: argparse.Namespace
) -> dict[str, float]:
    """Images/s, and images per CPU-second, of the pipeline and of decoding `bound` alone; medians of the rounds."""
    views = compose_host.host(compose.views([dict(group="global", count=2, size=size, ops=ops)]))
    whole, alone = lambda: stream.batches(source, views, batch=batch, seed=0), lambda: decoding(bound, batch)
    rates = [(rate(whole, batch, options.seconds), rate(alone, batch, options.seconds)) for _ in range(options.rounds)]
    median = lambda which, clock: statistics.median(pair[which][clock] for pair in rates)  # noqa: E731
    numbers = {
        "pipeline": median(0, 0),
        "decode": median(1, 0),
        "pipeline_cpu": median(0, 1),
        "decode_cpu": median(1, 1),
    }
    ratios = {"ratio": numbers["pipeline"] / numbers["decode"]}
    return {**numbers, **ratios, "ratio_cpu": numbers["pipeline_cpu"] / numbers["decode_cpu"]}


def decoding(source: Source, batch: int) -> Iterator:
    """Decode the images in order, again and again, in parallel, and keep only one pixel of each."""

    def pixel(index: tf.Tensor) -> tf.Tensor:
        # Not the shape, which is known for some sources, so that nothing would be decoded for it.
        data = read_raw(source, index % source.size)[0]
        plainly = dict(channels=source.channels, expand_animations=False)
        return (tf.io.decode_image(data, **plainly) if data.dtype == tf.string else data)[0, 0, 0]

    options = tf.data.Options()
    options.threading.private_threadpool_size = cores()
    options.threading.max_intra_op_parallelism = 1
    endless = tf.data.Dataset.range(tf.int64.max).map(pixel, num_parallel_calls=cores())
    return endless.batch(batch).prefetch(2).with_options(options).as_numpy_iterator()


def rate(make: Callable[[], Iterator], batch: int, seconds: float) -> tuple[float, float]:
    """Examples per second, and per second of CPU, over at least `seconds`, of a new iterator once its buffers are full.

    Each round has its own, since an idle iterator fills its buffers at the cost of the next round.
    """
    iterator = make()
    for _ in range(3):
        next(iterator)
    begin, work, count = time.perf_counter(), time.process_time(), 0
    while time.perf_counter() - begin < seconds:
        next(iterator)
        count += batch
    return count / (time.perf_counter() - begin), count / (time.process_time() - work)


if __name__ == "__main__":
    main()
