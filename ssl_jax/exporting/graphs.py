"""Encoders as graphs that need none of this library's code: StableHLO, TensorFlow's SavedModel, ONNX.

All take float32 images [b, s, s, c] in 0..1, any b, at the size that the recipe evaluates, and normalize them.
"""

import pathlib
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import export

from ssl_jax.exporting import names
from ssl_jax.exporting import weights as files
from ssl_jax.exporting.geometry import about, normalized, shape
from ssl_jax.features.encoder import Encoder
from ssl_jax.types import Array, Tree

PLATFORMS = ("cpu", "cuda", "tpu")


def forward(encoder: Encoder) -> Callable[[Tree, Array], dict[str, Array]]:
    """(weights, images [b, s, s, c] in 0..1) -> {"pool": [b, d], ...}, the maps of a ResNet by their own names."""

    def run(weights, images):
        found = encoder.net.apply(*weights, normalized(encoder.config, images), train=False)[0]
        return {name: value for name, value in found.items() if name != "maps"} | found.get("maps", {})

    return run


def stablehlo(encoder: Encoder, path: pathlib.Path) -> None:
    """A directory: graph.stablehlo, `jax.export`'s bytes for CPU, CUDA and TPU, and weights.safetensors.

    jax.export.deserialize(bytes).call(weights, images) gives the features. The weights are arguments, since as
    constants they would be copied six times on the way into the bytes, and again by whoever compiles them.
    """
    run, weights = forward(encoder), names.stacked(encoder.params, encoder.stats)
    (batch,) = export.symbolic_shape("b")
    images = jax.ShapeDtypeStruct((batch, *shape(encoder)), jnp.float32)
    shapes = jax.eval_shape(lambda: weights)
    called = jax.jit(lambda weights, images: run(names.nested(dict(weights)), images))
    path.mkdir()
    (path / "graph.stablehlo").write_bytes(export.export(called, platforms=PLATFORMS)(shapes, images).serialize())
    files.write(path / "weights.safetensors", weights, about(encoder))
