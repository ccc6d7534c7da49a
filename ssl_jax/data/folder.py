"""Sources from a folder of images."""

import os

import numpy as np
import tensorflow as tf
from etils import epath

from ssl_jax import spelling
from ssl_jax.data import encoded
from ssl_jax.data.source import Source, digest

SPLITS = {"train", "training", "val", "valid", "validation", "test", "testing"}
PROBES = 16


def folder(path: str, *, channels: int | None = None) -> Source:
    """All images below `path`, local or gs://, in the order of their paths; links are followed, dot files are not seen.

    The first folder below `path` is the class; an image that lies in `path` itself has the label -1. Channels and
    bits, where `channels` is None, are those that 16 files spread over the listing have in common, else 3 and 8.
    ValueError for a folder that is missing, has no images, or has splits where the classes should be.
    """
    name = f"folder:{path}"
    root = epath.Path(path).expanduser()
    files = _listing(root, name)
    parts = [file.split("/", 1)[0] if "/" in file else "" for file in files]
    classes = tuple(sorted(set(parts) - {""}))
    if classes and {part.lower() for part in classes} <= SPLITS:
        raise ValueError(f"{name} holds the splits {', '.join(classes)}: name one, as in {name}/{classes[0]}")
    number = {"": -1, **{part: k for k, part in enumerate(classes)}}
    labels = np.array([number[part] for part in parts], np.int32)
    found, bits = _probe(root, files)
    paths, targets, base = tf.constant(files), tf.constant(labels), f"{os.fspath(root)}/"
    return Source(
        name=name,
        size=len(files),
        read=lambda index: (tf.io.read_file(base + paths[index]), targets[index]),
        labels=labels,
        classes=classes,
        channels=channels or found,
        bits=bits,
        digest=digest(*files),
        describe=lambda index: base + files[index],
    )


def _listing(root: epath.Path, name: str) -> list[str]:
    """The images' paths relative to the root, with "/", sorted."""
    if not root.is_dir():
        if not root.parent.is_dir():
            raise ValueError(f"{name}: there is no such folder")
        siblings = sorted(path.name for path in root.parent.iterdir() if path.is_dir())
        raise ValueError(f"{name}: {spelling.unknown(root.name, siblings, os.fspath(root.parent))}")
    remote = "://" in os.fspath(root)
    walk = root.walk() if remote else os.walk(root, followlinks=True)
    files = []
    for place, folders, names in walk:
        folders[:] = [folder for folder in folders if not folder.startswith(".")]
        inside = os.fspath(place)[len(os.fspath(root)) :].replace(os.sep, "/").strip("/")
        if not any(part.startswith(".") for part in inside.split("/")):
            images = [n for n in names if n.lower().endswith(encoded.SUFFIXES) and not n.startswith(".")]
            files += [f"{inside}/{image}" if inside else image for image in images]
    if not files:
        raise ValueError(f"{name}: no images there; those that are looked for end in {', '.join(encoded.SUFFIXES)}")
    return sorted(files)


def _probe(root: epath.Path, files: list[str]) -> tuple[int, int]:
    """(channels, bits) of files spread over the listing; files without an image header do not count."""
    steps = np.unique(np.linspace(0, len(files) - 1, PROBES).astype(int))
    data = [(root / files[step]).read_bytes() for step in steps]
    return encoded.common([encoded.header(d) for d in data if encoded.is_image(d)] or [(3, 8)])
