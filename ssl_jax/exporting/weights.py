"""Weights by this library's own names in one file, .npz or .safetensors, with all that it takes to use them again."""

import json
import pathlib
import pickle
import zipfile

import numpy as np
from etils import epath
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from ssl_jax.exporting import names
from ssl_jax.types import Tree

SUFFIXES = (".npz", ".safetensors")
ABOUT = "about"
"""Where a file has its JSON: {"config": the resolved recipe, "step", "which", "role", "ssl_jax": version}."""


def write(path: pathlib.Path, own: names.Flat, about: dict) -> None:
    """Own weights and what they are about."""
    text = json.dumps(about)
    if path.suffix == ".npz":
        with path.open("wb") as file:
            np.savez(file, **own, **{ABOUT: np.frombuffer(text.encode(), np.uint8)})
    else:
        save_file(own, path, metadata={ABOUT: text})


def read(path: str) -> tuple[Tree, Tree, dict]:
    """(parameters, statistics, about). Raises ValueError where the file is no such file, or is cut off."""
    if not epath.Path(path).exists():
        raise ValueError(f"there is no file {path}")
    own, text = raw(path)
    if not text:
        raise ValueError(f"{path} does not say what network it is of; `ssl-jax import` takes weights from elsewhere")
    return *names.nested(own), json.loads(text)


def raw(path: str) -> tuple[names.Flat, str]:
    """(name -> array, the JSON or "") of any .npz or .safetensors file. Raises ValueError where it is damaged."""
    try:
        if path.endswith(".npz"):
            with np.load(epath.Path(path).open("rb")) as file:
                arrays = {name: file[name] for name in file.files}
            return arrays, bytes(arrays.pop(ABOUT, np.zeros(0, np.uint8))).decode()
        with safe_open(path, framework="numpy") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, (file.metadata() or {}).get(ABOUT, "")
    except (SafetensorError, ValueError, EOFError, OSError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} is damaged or no {path.rsplit('.')[-1]} file: {error}") from error


def pickled(path: pathlib.Path) -> names.Flat:
    """The arrays of detectron2's pickle; it may make nothing but arrays. Raises ValueError for another file."""
    try:
        with path.open("rb") as file:
            found = Arrays(file).load()
        return {name: np.asarray(value) for name, value in found["model"].items()}
    except (pickle.UnpicklingError, EOFError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is no pickle of arrays under 'model': {error}") from error


class Arrays(pickle.Unpickler):
    """A pickle can run any program; this one makes arrays only."""

    def find_class(self, module: str, name: str) -> type:
        """numpy's."""
        if module.split(".")[0] != "numpy" or name not in ("_reconstruct", "ndarray", "dtype", "_frombuffer", "scalar"):
            raise pickle.UnpicklingError(f"it holds a {module}.{name}")
        return super().find_class(module, name)
