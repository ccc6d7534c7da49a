"""TensorFlow's SavedModel of an encoder: the one file here that needs tensorflow."""

import pathlib

import jax
import tensorflow as tf
from jax.experimental import jax2tf

from ssl_jax.encoder import Encoder
from ssl_jax.exporting import graphs
from ssl_jax.exporting.geometry import shape


def saved_model(encoder: Encoder, path: pathlib.Path) -> None:
    """A directory; tf.saved_model.load(path)(images) gives {"pool": [b, d], ...}."""
    size = shape(encoder)
    places = f"(b, {', '.join(map(str, size))})"
    converted = jax2tf.convert(graphs.forward(encoder), polymorphic_shapes=[None, places], with_gradient=False)
    module = tf.Module()
    module.weights = jax.tree.map(lambda a: tf.Variable(a, trainable=False), (encoder.params, encoder.stats))
    images = tf.TensorSpec((None, *size), tf.float32, name="images")
    weights = module.weights
    module.__call__ = tf.function(lambda images: converted(weights, images), input_signature=[images], autograph=False)
    tf.saved_model.save(module, str(path), signatures={"serving_default": module.__call__.get_concrete_function()})
