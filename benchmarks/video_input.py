"""The host's clips against decoding their frames with PyAV alone, on the same cores.

    python benchmarks/video_input.py [--json] [--data=../shared/data/video] [--rounds=2] [--blocks=4]

Two clips of 8 frames of each video, random resized crops and flips to 112 pixels, uint8 out, from a folder that holds
each video of `--data` many times; frames are shrunk to a short side of 160 first, as the recipe `rho_byol_videos` has
it, or left whole. The bound decodes the frames of such clips to RGB in as many threads, seeking to the key frame before
them, and does nothing with them. The goal is a ratio of 0.6. Each side runs in turn, `rounds` times `blocks` batches,
of which the fastest counts, since other programs can only slow one down; `ratio_cpu` compares the CPU's time, which
they disturb less.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import av
import numpy as np

from ssl_jax.data import sources, stream
from ssl_jax.views import compose, compose_host
from ssl_jax.views.video import Video

FRAMES, SIDE, BATCH, COPIES = 8, 112, 8, 16
CASES = ((1, 160), (4, 160), (4, 0))
"""Strides, and the short side that frames are shrunk to; 0 leaves them."""
CROP, FLIP = dict(name="random_resized_crop", args=dict(scale=(0.2, 0.766))), dict(name="flip", p=0.5)


def main() -> None:
    """Measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--data", default="../shared/data/video", help="a folder of videos")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--blocks", type=int, default=4)
    options = parser.parse_args()
    results = {}
    for path in sorted(Path(options.data).glob("*.mp4")):
        for stride, short in CASES:
            size = f"{short} px" if short else "whole"
            name = f"{path.stem}, stride {stride}, {size}"
            row = results[name] = measure(path, stride, short, options)
            rates = f"{row['host']:7.1f} clips/s, PyAV alone {row['decode']:7.1f}"
            out = sys.stderr if options.json else sys.stdout
            print(f"{name:44s} {rates}, ratio {row['ratio']:.2f} (by CPU time {row['ratio_cpu']:.2f})", file=out)
    machine = {"cores": os.cpu_count(), "load": os.getloadavg()[0], "av": av.__version__}
    if options.json:
        print(json.dumps({"machine": machine, "results": results}, indent=1))
    else:
        print(f"{machine['cores']} cores, load {machine['load']:.1f}")


def measure(path: Path, stride: int, short: int, options: argparse.Namespace) -> dict[str, float]:
    """Clips/s, and clips per CPU-second, of both sides, and the ratios."""
    clip = dict(name="clip", args=dict(stride=stride, short_side=short))
    view = dict(group="global", count=2, of="clip", size=(FRAMES, SIDE), ops=(clip, CROP, FLIP))
    host = compose_host.host(compose.views([view]))
    with tempfile.TemporaryDirectory() as root:
        for i in range(COPIES):
            (Path(root) / f"{i}.mp4").symlink_to(path.resolve())
        made = {
            "host": lambda: stream.batches(sources.open(f"folder:{root}"), host, batch=BATCH, seed=0),
            "decode": lambda: decoding(str(path), stride),
        }
        best = {}
        for _ in range(options.rounds):
            for name, make in made.items():
                found = timed(make, options.blocks)
                best[name] = [max(pair) for pair in zip(found, best.get(name, found), strict=True)]
    out = {name: rates[0] for name, rates in best.items()} | {f"{n}_cpu": rates[1] for n, rates in best.items()}
    return out | {"ratio": out["host"] / out["decode"], "ratio_cpu": out["host_cpu"] / out["decode_cpu"]}


def timed(make: Callable, blocks: int) -> list[float]:
    """Clips a second, and a second of CPU, of a side that is made anew and stopped, so that none works for the other.

    Batches are taken without a pause, so that none lies ready when the clock starts, after two to warm up.
    """
    batches = make()
    next(batches), next(batches)
    begin, work = time.perf_counter(), time.process_time()
    for _ in range(blocks):
        next(batches)
    passed = (time.perf_counter() - begin, time.process_time() - work)
    batches.close()
    return [2 * BATCH * blocks / seconds for seconds in passed]


def decoding(path: str, stride: int) -> Iterator:
    """Batches of two clips of each video, at places of their own, to RGB, and nothing else."""
    draw, span = np.random.default_rng(0), (FRAMES - 1) * stride
    with Video(path) as video:
        length = video.length

    def one(starts: np.ndarray) -> None:
        with av.open(path) as file:
            pictures = file.streams.video[0]
            pictures.thread_count = 1
            for start in starts:
                first, last = (length.first + (k - 0.5) / length.rate for k in (start, start + span))
                file.seek(int(max(first, 0) / pictures.time_base), stream=pictures, backward=True)
                shown = 0
                for frame in file.decode(pictures):
                    if frame.time >= first and shown % stride == 0:
                        frame.to_ndarray(format="rgb24")
                    shown += frame.time >= first
                    if frame.time >= last:
                        break

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        while True:
            starts = np.sort(draw.integers(0, length.frames - span, (BATCH, 2)), 1)
            list(pool.map(one, starts))
            yield


if __name__ == "__main__":
    main()
