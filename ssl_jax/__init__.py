"""Self-supervised pre-training of vision models in JAX.

ssl_jax.train(config, workdir)      pre-train by a recipe, or go on in a work directory
ssl_jax.evaluate(workdir)           measure its encoder against random init and raw pixels
ssl_jax.load(workdir)               its encoder: load("runs/quickstart").embed(images)["pool"]
ssl_jax.export(workdir, to, out)    its weights for timm, torchvision, Hugging Face, ONNX, …, with a receipt
ssl_jax.recipe(name)                a recipe to look at or to change
"""

import importlib
import os

# TensorFlow serves only data here; unless told otherwise it announces itself and complains about each sliced tensor.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")

__version__ = "0.1.0"
_API = {
    "train": "api.train",
    "evaluate": "api.evaluate",
    "load": "features.encoder.load",
    "export": "exporting.export.export",
    "recipe": "config.recipes.load",
}


def __getattr__(name: str):
    """The functions above, imported when first asked for: `ssl-jax --help` needs no JAX."""
    if name not in _API:
        raise AttributeError(f"module 'ssl_jax' has no attribute '{name}'")
    module, function = _API[name].rsplit(".", 1)
    return getattr(importlib.import_module(f"ssl_jax.{module}"), function)
