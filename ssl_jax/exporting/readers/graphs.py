"""Runs an exported graph on images in 0..1, of two batch sizes. Needs nothing of ssl_jax.

  python graphs.py REQUEST.json

The request is that of torch_models.py, with "pixels" of images in 0..1 in the place of normalized ones.
"""

import json
import pathlib
import sys

import numpy as np


def stablehlo(path):
    import jax
    from jax import export
    from safetensors.numpy import load_file

    run = export.deserialize(bytearray((pathlib.Path(path) / "graph.stablehlo").read_bytes())).call
    weights = jax.device_put(load_file(pathlib.Path(path) / "weights.safetensors"))
    return lambda images: run(weights, images)["pool"], {"jax": jax.__version__}


def savedmodel(path):
    import tensorflow as tf

    model = tf.saved_model.load(path)
    return lambda images: model(tf.constant(images))["pool"].numpy(), {"tensorflow": tf.__version__}


def onnx(path):
    import onnxruntime

    session = onnxruntime.InferenceSession(f"{path}/model.onnx", providers=["CPUExecutionProvider"])
    return lambda images: session.run(["pool"], {"images": images})[0], {"onnxruntime": onnxruntime.__version__}


def main():
    with open(sys.argv[1]) as file:
        request = json.load(file)
    run, versions = {"stablehlo": stablehlo, "savedmodel": savedmodel, "onnx": onnx}[request["model"]["kind"]](
        request["path"]
    )
    images = np.load(request["pixels"])
    parts = [np.asarray(run(images[:1])), np.asarray(run(images[1:]))]
    np.savez(request["out"], pool=np.concatenate(parts), versions=json.dumps(versions))


if __name__ == "__main__":
    main()
