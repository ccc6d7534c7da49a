"""Exports of full-size encoders, proof included: seconds, and peak memory over the size of the weights.

    python benchmarks/export.py [--json] [--reader=PYTHON] [--nets=r50,vitb16] [--formats=timm,onnx,...]

Each export is a process of its own that has exported a small network before, so that libraries are loaded; its peak is
what it holds at most beyond what it held then, of resident memory, while it loads the weights from a file, writes them
and has them read back. The reader's own memory is another process's and not counted. Goals: a minute, 2.5 times.
"""

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

import jax
import numpy as np

from ssl_jax import api
from ssl_jax.config import recipes, schema
from ssl_jax.exporting import export, formats
from ssl_jax.features import encoder
from ssl_jax.process import machine

NETS = {
    "r50": ("simclr_imagenet_r50", {}, {"nets.encoder.depth": "18", "nets.encoder.base": "64"}),
    "vits16": ("dino_imagenet_vits16", {}, {"nets.encoder.variant": "Ti/16"}),
    "vitb16": ("dino_imagenet_vits16", {"nets.encoder.variant": "B/16"}, {"nets.encoder.variant": "Ti/16"}),
}
"""Recipe, changes for the network that is measured, changes for the small one before it."""
ONLY = {"torchvision": "r", "detectron2": "r", "huggingface": "v"}


def main() -> None:
    """Measures, and prints lines or JSON."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--reader", default=sys.executable)
    parser.add_argument("--nets", default="r50,vitb16")
    parser.add_argument("--formats", default=",".join(formats.FORMATS))
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(one(*options.one, options.reader)))
        return
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for net in options.nets.split(","):
            sources(net, folder)
            for form in options.formats.split(","):
                if net.startswith(ONLY.get(form, net[0])):
                    command = [sys.executable, __file__, f"--reader={options.reader}", "--one", net, form, folder]
                    done = subprocess.run(command, capture_output=True, text=True)
                    if done.returncode:
                        sys.exit(done.stderr)
                    rows.append(json.loads(done.stdout.splitlines()[-1]))
                    if not options.json:
                        print("{net:8} {format:12} {seconds:5.1f} s  {times:4.1f} times {mb:.0f} MB".format(**rows[-1]))
    if options.json:
        print(json.dumps({"rows": rows, "cores": os.cpu_count(), "jax": jax.__version__}, indent=1))


def sources(net: str, folder: str) -> None:
    """Random weights of the network and of the small one, as files."""
    recipe, *both = NETS[net]
    for name, changes in zip(("large", "small"), both, strict=True):
        config = schema.resolve(recipes.override(schema.resolve(recipes.load(recipe)), changes))
        size = config["clean"][0]["size"]
        weights = encoder.network(config).init(jax.random.key(0), np.zeros((1, size, size, 3), np.float32))
        made = encoder.made(config, 0, "encoder", *weights)
        export.written(made, "safetensors", f"{folder}/{net}.{name}.safetensors", verify=False)


def one(net: str, form: str, folder: str, reader: str) -> dict:
    """A row: seconds, and the peak over the weights."""
    api.keep_compiled()
    ending = next(iter(formats.FORMATS[form].suffixes), "")
    export.export(f"{folder}/{net}.small.safetensors", form, f"{folder}/{net}.{form}.warm{ending}", reader=reader)
    source, out = pathlib.Path(f"{folder}/{net}.large.safetensors"), f"{folder}/{net}.{form}.out{ending}"
    machine.release()
    before, begin = resident("VmRSS"), time.perf_counter()
    pathlib.Path("/proc/self/clear_refs").write_text("5")  # the peak is that of what follows
    export.export(str(source), form, out, reader=reader)
    seconds, size = time.perf_counter() - begin, source.stat().st_size
    times = (resident("VmHWM") - before) / size
    return {"net": net, "format": form, "seconds": seconds, "times": times, "mb": size / 1e6}


def resident(what: str) -> int:
    """Bytes by the kernel's account: VmRSS now, VmHWM at most."""
    return 1024 * int(re.search(rf"{what}:\s+(\d+)", pathlib.Path("/proc/self/status").read_text())[1])


if __name__ == "__main__":
    main()
