"""Sources from a folder of images."""

import os

import numpy as np
import tensorflow as tf
from etils import epath

from ssl_jax import spelling
from ssl_jax.data import contents, encoded, listing
from ssl_jax.data.source import Source, digest

SPLITS = {
    *("train", "training", "val", "valid", "validation", "dev", "test", "testing", "extra"),
    *("unlabeled", "unlabelled"),
}
"""Names of splits, in any case. Each of them can be a class as well: a train is one of COCO's 80."""
PROBES = 16


def folder(path: str, *, channels: int | None = None) -> Source:
    """All images below `path`, local or gs://, in the order of their paths; links are followed, dot files are not seen.

    The folders directly below `path` are the classes, also those without images, so that the numbers are the same in
    every split; an image that lies in `path` itself has the label -1. Channels and bits, where `channels` is None, are
    those that 16 files spread over the listing have in common, else 3 and 8.

    Folders are splits, which are refused, and no classes where all images lie in folders named as splits are, where
    there are two or more such names, or where there is one beside others whose own images lie in two or more folders
    again, as classes of a split do. A single name of the list beside others is a class.

    ValueError for a folder that is missing or cannot be listed, has no images, or has splits in place of classes.
    """
    name = f"folder:{contents.printable(path)}"
    root = epath.Path(path).expanduser()
    _exists(root, name)
    files, sizes, times, folders, notes = listing.images(root, name)
    if not files:
        raise ValueError(f"{name}: no images there; those that are looked for end in {', '.join(encoded.SUFFIXES)}")
    _no_splits(files, folders, name)
    found, bits = _probe(root, files)
    number = {part: k for k, part in enumerate(folders)}
    labels = np.array([number[file.split("/", 1)[0]] if "/" in file else -1 for file in files], np.int32)
    base = f"{os.fspath(root).rstrip('/')}/"
    same, stamp = contents.compared(files, sizes, times, lambda k: base + files[k])
    classes = tuple(map(contents.printable, folders)) if labels.max() >= 0 else ()
    where, paths, targets = contents.raw(base), tf.constant([contents.raw(file) for file in files]), tf.constant(labels)
    return Source(
        name=name,
        size=len(files),
        read=lambda index: (tf.io.read_file(where + paths[index]), targets[index]),
        labels=labels,
        classes=classes,
        channels=channels or found,
        bits=bits,
        digest=digest(same, *classes),
        # Not from the list, which a million paths make too large to be kept beside the tensor.
        describe=lambda index: contents.printable(where + paths[int(index)].numpy()),
        stamp=digest(stamp, *classes),
        notices=(*notes, *_empty(labels, classes, name)),
    )


def _exists(root: epath.Path, name: str) -> None:
    """ValueError where there is no such folder, with the one that may have been meant."""
    if root.is_dir():
        return
    if not root.parent.is_dir():
        raise ValueError(f"{name}: there is no such folder")
    siblings = sorted(contents.printable(path.name) for path in root.parent.iterdir() if path.is_dir())
    raise ValueError(f"{name}: {spelling.unknown(contents.printable(root.name), siblings, os.fspath(root.parent))}")


def _no_splits(files: list[str], folders: list[str], name: str) -> None:
    """ValueError where the folders below the root are splits, by the rule that `folder` tells."""
    splits = [part for part in folders if part.lower() in SPLITS]
    if not splits:
        return
    used = {file.split("/", 1)[0] for file in files if "/" in file}
    inner = {tuple(file.split("/", 2)[:-1]) for file in files if file.startswith(f"{splits[0]}/")}
    nested = len(inner) > 1 and all(len(parts) == 2 for parts in inner)
    if len(splits) > 1 or nested or (used and used <= set(splits)):
        raise ValueError(
            f"{name} holds the splits {', '.join(splits)}: name one, as in {name}/{splits[0]} (a class of such a name "
            "must be called otherwise)"
        )


def _empty(labels: np.ndarray, classes: tuple[str, ...], name: str) -> list[str]:
    """A sentence about classes without images, which may be a mistake."""
    counts = np.bincount(labels[labels >= 0], minlength=len(classes))
    empty = [part for part, count in zip(classes, counts, strict=True) if not count] if classes else []
    shown = ", ".join(empty[:3]) + (", ..." if len(empty) > 3 else "")
    return [f"{name}: {len(empty)} of the {len(classes)} classes have no images: {shown}"] if empty else []


def _probe(root: epath.Path, files: list[str]) -> tuple[int, int]:
    """(channels, bits) of files spread over the listing; files without an image header do not count."""
    steps = np.unique(np.linspace(0, len(files) - 1, PROBES).astype(int))
    data = [(root / files[step]).read_bytes() for step in steps]
    return encoded.common([encoded.header(d) for d in data if encoded.is_image(d)] or [(3, 8)])
