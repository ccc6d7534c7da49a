"""Sources from a folder of images."""

import os

import numpy as np
import tensorflow as tf
from etils import epath

from ssl_jax import spelling
from ssl_jax.data import encoded
from ssl_jax.data.source import Source, digest

SPLITS = {"train", "training", "val", "valid", "validation", "test", "testing"}
PROBES, REMOTE = 4096, 64
"""Files whose headers are read, at most: local ones, and ones behind a network."""
HEAD = 64 * 1024
"""Bytes in which a header is looked for first; the rest of a file is read where it is not there."""


def folder(path: str, *, channels: int | None = None, bits: int | None = None) -> Source:
    """All images below `path`, local or gs://, in the order of their paths; links are followed, dot files are not seen.

    The first folder below `path` is the class; an image that lies in `path` itself has the label -1. Channels and
    bits that are None are those that the files have in common, else 3 and 8; `notices` says where they differ, or where
    the headers of a sample were read only: up to 4,096 files are all read, of more or remote ones a sample.
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
    headers = _headers(root, files)
    found = encoded.common(headers or [(3, 8)])
    paths, targets, base = tf.constant(files), tf.constant(labels), f"{os.fspath(root)}/"
    return Source(
        name=name,
        size=len(files),
        read=lambda index: (tf.io.read_file(base + paths[index]), targets[index]),
        labels=labels,
        classes=classes,
        channels=channels or found[0],
        bits=bits or found[1],
        notices=_notices(name, headers, len(files), (channels, bits)),
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


def _headers(root: epath.Path, files: list[str]) -> list[tuple[int, int]]:
    """(channels, bits) of files spread over the listing; files without an image header do not count."""
    probes = REMOTE if "://" in os.fspath(root) else PROBES
    chosen = sorted({round(step) for step in np.linspace(0, len(files) - 1, min(probes, len(files)))})
    heads = (_header(root / files[step]) for step in chosen)
    return [head for head in heads if head is not None]


def _header(path: epath.Path) -> tuple[int, int] | None:
    try:
        with path.open("rb") as file:
            data = file.read(HEAD)
            if len(data) == HEAD and data[:2] == encoded.JPEG and not encoded.framed(data):
                data += file.read()
    except OSError:  # counted as unreadable where the image is read
        return None
    return encoded.header(data) if encoded.is_image(data) else None


def _notices(name: str, headers: list, size: int, asked: tuple[int | None, int | None]) -> tuple[str, ...]:
    """What to tell of channels and bits that were not asked for."""
    read = [given or common for given, common in zip(asked, encoded.common(headers or [(3, 8)]), strict=True)]
    counts = {kind: sum(h == kind for h in headers) for kind in sorted(set(headers))}
    reading = f"all are read as {read[0]} channels of {read[1]} bits; data.channels and data.bits say otherwise"
    many = f"{len(headers):,} of {size:,} files"
    if len(counts) > 1 and not all(asked):
        kinds = ", ".join(f"{n:,} of {c} channels and {b} bits" for (c, b), n in counts.items())
        return (f"{name}: the headers of {many} tell of {kinds}; {reading}",)
    if len(headers) < min(size, PROBES) or size > PROBES:
        return () if all(asked) else (f"{name}: channels and bits are those of the headers of {many}; {reading}",)
    return ()
