"""ONNX of an encoder: the one file here that needs jax2onnx (the extra [onnx])."""

import pathlib

from jax2onnx import to_onnx

from ssl_jax.encoder import Encoder
from ssl_jax.exporting import graphs
from ssl_jax.exporting.geometry import shape


def onnx(encoder: Encoder, path: pathlib.Path) -> None:
    """A model with the input "images", float32 [b, s, s, c] in 0..1, and the output "pool"."""
    run, weights = graphs.forward(encoder), (encoder.params, encoder.stats)
    options = dict(inputs=[("b", *shape(encoder))], input_names=["images"], output_names=["pool"])
    to_onnx(lambda images: run(weights, images)["pool"], **options, return_mode="file", output_path=str(path))
