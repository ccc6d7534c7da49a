"""TensorFlow's SavedModel of an encoder: the one file here that needs tensorflow."""

import pathlib
from unittest import mock

import jax
import tensorflow as tf
from jax.experimental import jax2tf

from ssl_jax.exporting import graphs
from ssl_jax.exporting.geometry import shape
from ssl_jax.features.encoder import Encoder


def saved_model(encoder: Encoder, path: pathlib.Path) -> None:
    """A directory; tf.saved_model.load(path)(images) gives {"pool": [b, d], ...}."""
    size = shape(encoder)
    run = graphs.forward(encoder)

    def readable(weights, images):
        # JAX keeps the error function as an operation of its own, which tensorflow's StableHLO is too old to know.
        with mock.patch.object(jax.lax, "erf", lambda x: 1 - jax.lax.erfc(x)):
            return run(weights, images)

    places = f"(b, {', '.join(map(str, size))})"
    converted = jax2tf.convert(readable, polymorphic_shapes=[None, places], with_gradient=False)
    module = tf.Module()
    module.weights = jax.tree.map(lambda a: tf.Variable(a, trainable=False), (encoder.params, encoder.stats))
    images = tf.TensorSpec((None, *size), tf.float32, name="images")
    weights = module.weights
    module.__call__ = tf.function(lambda images: converted(weights, images), input_signature=[images], autograph=False)
    tf.saved_model.save(module, str(path), signatures={"serving_default": module.__call__.get_concrete_function()})
