"""Opening a folder of a million images: seconds and memory of listing, digest and the whole.

    python benchmarks/listing.py [--json] [--folders=1000] [--files=1000] [--bytes=2000] [--rounds=3]

Makes `folders` x `files` files of `bytes` bytes, one image and zeros after it, in a temporary directory, which is
deleted at the end. Each round is a process of its own, so that its peak of memory is its own. `walk` is os.walk with
one os.stat a file, which a listing that knows sizes and times cannot go below by much; `open` is what `sources.open`
does, listing and digest included. Memory is the peak resident size above that of a process that has imported all.
`kept` is what is still resident once the source is open. The file system's caches are as the making of the files
leaves them, that is, warm. The goal is a million files in a minute.
"""

import argparse
import ctypes
import gc
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time

import tensorflow as tf
from etils import epath

from ssl_jax.data import contents, listing, sources
from ssl_jax.process.machine import cores


def main() -> None:
    """Make the files, measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--folders", type=int, default=1000)
    parser.add_argument("--files", type=int, default=1000, help="in each folder")
    parser.add_argument("--bytes", type=int, default=2000, help="of each file")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--one", metavar="FOLDER", help="one round, on a folder that is there")
    options = parser.parse_args()
    if options.one:
        print(json.dumps(once(options.one)))
        return
    with tempfile.TemporaryDirectory() as place:
        fill(place, options)
        command = [sys.executable, __file__, f"--one={place}"]
        rounds = [json.loads(subprocess.check_output(command, text=True)) for _ in range(options.rounds)]
    results = {key: statistics.median(row[key] for row in rounds) for key in rounds[0]}
    machine = {"cores": cores(), "processor": platform.processor() or platform.machine(), "load": os.getloadavg()[0]}
    files = {"folders": options.folders, "files": options.folders * options.files, "bytes": options.bytes}
    if options.json:
        print(json.dumps({"machine": machine, "tensorflow": tf.__version__, **files, "results": results}, indent=1))
        return
    print(f"{machine['cores']} cores, load {machine['load']:.1f}, {files['files']:,} files of {files['bytes']:,} bytes")
    for name, value in results.items():
        print(f"{name:16s} {value:10.1f}")


def fill(place: str, options: argparse.Namespace) -> None:
    """The folders and their files, all alike."""
    data = tf.io.encode_png(tf.zeros([16, 16, 3], tf.uint8)).numpy().ljust(options.bytes, b"\0")
    for k in range(options.folders):
        os.mkdir(f"{place}/class{k:04d}")
        for j in range(options.files):
            with open(f"{place}/class{k:04d}/picture_{k:04d}_{j:06d}.png", "wb") as file:
                file.write(data)


def once(place: str) -> dict[str, float]:
    """Seconds of each part, and MiB of memory of opening; the parts come last, since they would raise the peak."""
    before = resident()
    begin = time.perf_counter()
    source = sources.open(f"folder:{place}")
    opened = time.perf_counter() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 - before
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    kept = resident() - before
    begin = time.perf_counter()
    walked = [os.stat(os.path.join(at, name)) for at, _, names in os.walk(place) for name in names]
    walk = time.perf_counter() - begin
    assert len(walked) == source.size
    begin = time.perf_counter()
    found = listing.images(epath.Path(place), "folder")
    listed = time.perf_counter() - begin
    contents.compared(found.names, found.sizes, found.times, lambda k: f"{place}/{found.names[k]}")
    digest = time.perf_counter() - begin - listed
    seconds = {"walk (s)": walk, "listing (s)": listed, "digest (s)": digest, "open (s)": opened}
    return {**seconds, "peak (MiB)": peak, "kept (MiB)": kept}


def resident() -> float:
    """MiB that this process has resident now."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


if __name__ == "__main__":
    main()
