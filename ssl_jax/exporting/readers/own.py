"""Reads a file by this library's names and runs the network that its recipe names on normalized images.

  python own.py REQUEST.json

Neither checkpoints nor methods take part: the file alone, the networks, and numpy or safetensors. The request is that
of torch_models.py.
"""

import json
import sys

import jax
import numpy as np

from ssl_jax import __version__
from ssl_jax.features import encoder


def main():
    with open(sys.argv[1]) as file:
        request = json.load(file)
    loaded = encoder.load(request["path"])
    net = encoder.network(loaded.config, loaded.role, dtype="float32")
    features, _ = jax.jit(lambda *args: net.apply(*args, train=False))(
        loaded.params, loaded.stats, np.load(request["inputs"])
    )
    np.savez(
        request["out"], pool=features["pool"], versions=json.dumps({"ssl_jax": __version__, "jax": jax.__version__})
    )


if __name__ == "__main__":
    main()
