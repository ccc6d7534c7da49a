"""ONNX of an encoder: the one file here that needs jax2onnx (the extra [onnx])."""

import logging
import pathlib
from unittest import mock

import jax.numpy as jnp
import onnx_ir
from jax2onnx import to_onnx

from ssl_jax.exporting import graphs
from ssl_jax.exporting.geometry import shape
from ssl_jax.features.encoder import Encoder

logging.getLogger("onnx_ir.serde").setLevel(logging.ERROR)  # says of hundreds of inner values that it skips their types
SHAPE = jnp.shape
"""jax2onnx puts a traced function in its place while it traces; flax's scan over the layers wants numbers."""


def onnx(encoder: Encoder, path: pathlib.Path) -> None:
    """A directory: model.onnx, with the input "images", float32 [b, s, s, c] in 0..1, and the output "pool".

    Large weights lie beside it in model.onnx.data, which it names: the two go together.
    """
    run, weights = graphs.forward(encoder), (encoder.params, encoder.stats)

    def pooled(images):
        with mock.patch.object(jnp, "shape", SHAPE):
            return run(weights, images)["pool"]

    options = dict(inputs=[("b", *shape(encoder))], input_names=["images"], output_names=["pool"])
    path.mkdir()
    model = to_onnx(pooled, **options, return_mode="ir")
    onnx_ir.save(model, path / "model.onnx", external_data="model.onnx.data")
