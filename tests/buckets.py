"""A bucket in memory: TensorFlow's ram:// file system, which is not a local one, known to `etils.epath` as gs:// is."""

from pathlib import Path

import tensorflow as tf
from etils.epath import backend, gpath, register


def bucket(monkeypatch, folder: Path, name: str) -> str:
    """A copy of the folder in a bucket of that name -> its address."""
    monkeypatch.setattr(gpath, "_URI_PREFIXES", (*gpath._URI_PREFIXES, "ram://"))
    monkeypatch.setattr(gpath, "_URI_SCHEMES", gpath._URI_SCHEMES | {"ram"})
    monkeypatch.setitem(gpath._URI_MAP_ROOT, "ram://", "/ram/")
    monkeypatch.setitem(gpath._PREFIX_TO_BACKEND, "ram", backend.tf_backend)
    monkeypatch.setitem(register._URI_PREFIXES_TO_CLS, "ram://", gpath.PosixGPath)
    root = f"ram://{name}"
    for path in sorted(folder.rglob("*")):
        copy = f"{root}/{path.relative_to(folder)}"
        tf.io.gfile.makedirs(copy if path.is_dir() else copy.rpartition("/")[0])
        if path.is_file():
            with tf.io.gfile.GFile(copy, "wb") as file:
                file.write(path.read_bytes())
    return root
