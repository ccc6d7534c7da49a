"""`Encoder.stream`, which embeds a dataset, against the bare jitted forward pass on the same images.

    python benchmarks/embed.py [--json] [--examples=2048] [--batch=256] [--rounds=5]

ResNet-18 (CIFAR stem) with random weights, images of 32 x 32 in memory. Streaming adds the source, the resizing and
cropping of the clean view, the feed's thread and the copies to the device and back. Rounds alternate; the goal is 0.95.
"""

import argparse
import json
import os
import statistics

import jax
import numpy as np
from step import timed

from ssl_jax.config import recipes, schema
from ssl_jax.data import memory
from ssl_jax.features import encoder
from ssl_jax.process import machine


def main() -> None:
    """Measures, and prints a line or JSON."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--examples", type=int, default=2048)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    machine.start_with_huge_pages()
    net, images = made(), np.random.default_rng(0).integers(0, 256, (options.examples, 32, 32, 3)).astype(np.uint8)
    source = memory.arrays(images)
    views = [jax.device_put(images[i : i + options.batch, None]) for i in range(0, options.examples, options.batch)]

    def bare() -> None:
        for view in views:
            jax.block_until_ready(net.outputs(view))

    rows = [(timed(bare), timed(lambda: net.stream(source, batch=options.batch))) for _ in range(options.rounds + 1)]
    alone, whole = (options.examples / statistics.median(column) for column in zip(*rows[1:], strict=True))
    result = {"bare": alone, "stream": whole, "ratio": statistics.median(a / b for a, b in rows[1:])}
    result |= {"cores": os.cpu_count(), "load": os.getloadavg()[0], "jax": jax.__version__}
    line = f"bare {alone:.0f}, streamed {whole:.0f} images/s, ratio {result['ratio']:.3f}"
    print(json.dumps(result, indent=1) if options.json else line)


def made() -> encoder.Encoder:
    """A ResNet-18 that has learned nothing, with the preprocessing of the CIFAR-10 recipe."""
    changes = {"nets.encoder.depth": "18", "nets.encoder.base": "64", "nets.encoder.stem": "cifar"}
    config = schema.resolve(recipes.override(schema.resolve(recipes.load("simclr_cifar10")), changes))
    params, stats = encoder.network(config).init(jax.random.key(0), np.zeros((1, 32, 32, 3), np.float32))
    return encoder.made(config, 0, "encoder", params, stats)


if __name__ == "__main__":
    main()
