"""Sources from a folder of images, of videos, or of meshes."""

import functools
import os
from collections.abc import Callable

import numpy as np
import tensorflow as tf
from etils import epath

from ssl_jax.checks import spelling
from ssl_jax.data import contents, encoded, headers, layout, listing, lists, meshes, queries
from ssl_jax.data.parts import Clip, Image, Points
from ssl_jax.data.source import Source, digest
from ssl_jax.views import formats
from ssl_jax.views.formats import Reading

OPTIONS = ("split", "list", *headers.OPTIONS)
HELD = 256 * 2**20
"""Bytes of meshes up to which they are kept in memory once they are read: parsing text takes milliseconds each."""


def folder(path: str, *, channels: int | None = None, bits: int | None = None) -> Source:
    """All images below `path`, local or gs://, in the order of their paths; links are followed, dot files are not seen.

    The folders directly below `path` are the classes, also those without images, so that the numbers are the same in
    every split; an image that lies in `path` itself has the label -1. Channels and bits that are None are those that
    the files have in common, else 3 and 8; `notices` says where they differ, or where the headers of a sample were
    read only: up to 4,096 files are all read, of more or remote ones a sample.

    A folder without images may hold videos instead, in the same order: an example is the path of one, of which views
    decode the frames that they show; of a remote one it is the file. Without both it may hold meshes (`meshes.py`): an
    example is the surface, of which views draw points. `notices` counts files of the other kinds, which are not read.

    path may end with ?OPTION=VALUE, more of them with & between. split=NAME: of each class what lies in its own folder
    NAME, as in CLASS/train/FILE, ModelNet's layout; where all files lie in such folders of two or more splits, one has
    to be named. list=FILE: the files that FILE names, in its order, and with the classes that it says (`lists.py`).
    pages=first or pages=channels: how files of several pages or frames are read, TIFF and DICOM, which are unreadable
    without it. key=NAME: which array of an .npz is the image, where it has several.

    Images with other channels than 1, 3 or 4 are read as they are, and as many channels as most have are those of all;
    what has another number is unreadable. What a file of TIFF, NumPy's, JPEG 2000, AVIF, HEIC or DICOM means is said in
    `views/formats.py`, `tiff.py` and `dicom.py`.

    Folders are splits, which are refused, and no classes where all images lie in folders named as splits are, where
    there are two or more such names, or where there is one beside others whose own images lie in two or more folders
    again, as classes of a split do. A single name of the list beside others is a class.

    ValueError for a folder that is missing or cannot be listed, has no images, or has splits in place of classes, for
    options that are not known, and for formats whose library is not installed.
    """
    name = f"folder:{contents.printable(path)}"
    place, wanted = queries.parted(path, OPTIONS, name, "folder")
    root = epath.Path(place).expanduser()
    _exists(root, name)
    found = functools.partial(_found, root, name, wanted)
    reading = headers.reading(wanted, name)
    listed = found(encoded.ALL, (*listing.VIDEOS, *meshes.SUFFIXES))
    if not listed.names:
        return _others(root, name, found, (channels, bits), reading)
    return of_images(root, name, listed, (channels, bits), reading)


def of_images(
    root: epath.Path,
    name: str,
    listed: listing.Listing,
    asked: tuple[int | None, int | None],
    reading: Reading = Reading(),
) -> Source:
    """The images of a listing. asked: channels and bits, of which those that are None are the files'.

    reading: how files that TensorFlow does not decode are read; it is part of the digest where it says anything.
    """
    suffixes = {listing.end(file) for file in listed.names}
    most = headers.REMOTE if "://" in os.fspath(root) else headers.PROBES
    head = lambda k, most: _head(root / listed.names[k], most, reading)  # noqa: E731
    image, told = headers.read(name, len(listed.names), head, asked, most=most, suffixes=suffixes, how=reading)
    source = _of_files(root, name, listed, image)
    source = source._replace(notices=(*source.notices, *told))
    if not any(reading):
        return source
    return source._replace(digest=digest(source.digest, *reading), stamp=digest(source.stamp, *reading))


def _head(path: epath.Path, most: int | None, reading: Reading) -> bytes | tuple[int, int] | None:
    """The first bytes; of a format that has its header anywhere in the file what the header says."""
    with path.open("rb") as file:
        data = file.read() if most is None else file.read(most)
        if not formats.kind(data):
            return data
        file.seek(0)
        return encoded.header_of(file, reading)


def _others(
    root: epath.Path, name: str, found: Callable, asked: tuple[int | None, int | None], reading: Reading
) -> Source:
    """A folder of videos, or of meshes."""
    listed, part = found(listing.VIDEOS, meshes.SUFFIXES), Clip()
    if not listed.names:
        listed, part = found(meshes.SUFFIXES), Points(surface=True)
    if not listed.names:
        ends = ", ".join(encoded.ALL), ", ".join(listing.VIDEOS), ", ".join(meshes.SUFFIXES)
        raise ValueError(
            f"{name}: no images there; those that are looked for end in {ends[0]}, those of videos in {ends[1]}, those "
            f"of meshes in {ends[2]}"
        )
    many = "meshes" if isinstance(part, Points) else "videos"
    for option, value in zip(headers.OPTIONS, reading, strict=True):
        if value:
            raise ValueError(f"{name} has {many}; {option}={value} is of images: leave it out")
    for what, given, there in zip(("channels", "bits"), asked, (3, 8), strict=True):
        if given is not None and isinstance(part, Points):
            raise ValueError(f"{name} has meshes, which have no {what}")
        if given not in (None, there):
            raise ValueError(f"{name} has videos, which are read as {there} {what}, not {given}")
    return _of_files(root, name, listed, part)


def _found(
    root: epath.Path, name: str, wanted: dict[str, str], suffixes: tuple[str, ...], others: tuple[str, ...] = ()
) -> listing.Listing:
    """The files of a kind: all, those of a split, or those of a list. ValueError for unnamed splits."""
    if "list" not in wanted:
        every = listing.files(root, name, suffixes, others)
        return layout.of_split(every, wanted.get("split", ""), name, f"{name}/")
    if "split" in wanted:
        raise ValueError(f"{name}: a list and a split both say which files are read; leave out one of them")
    return lists.of_kind(wanted["list"], root, name, suffixes)


def _of_files(root: epath.Path, name: str, listed: listing.Listing, part: Image | Clip | Points) -> Source:
    """One example a file; files in folders have classes."""
    files, sizes, times = listed.names, listed.sizes, listed.times
    kind, what = {Image: ("image", "images"), Clip: ("clip", "videos"), Points: ("points", "meshes")}[type(part)]
    labels, classes, empty = layout.classes(listed, what, name)
    base = f"{os.fspath(root).rstrip('/')}/"
    same, stamp = contents.compared(files, sizes, times, lambda k: base + files[k])
    told = classes if listed.said is None else (*classes, labels.tobytes())
    where, paths, targets = contents.raw(base), tf.constant([contents.raw(file) for file in files]), tf.constant(labels)
    opened = tf.identity if kind == "clip" and "://" not in base else tf.io.read_file
    if kind == "points":
        opened = _surfaces(len(files) and 0 <= sizes.min() and sizes.sum() <= HELD)
    return Source(
        name=name,
        size=len(files),
        parts={kind: part},
        read=lambda index: (opened(where + paths[index]), targets[index]),
        labels=labels,
        classes=classes,
        digest=digest(same, *told),
        # Not from the list, which a million paths make too large to be kept beside the tensor.
        describe=lambda index: contents.printable(where + paths[int(index)].numpy()),
        stamp=digest(stamp, *told),
        notices=(*listed.notes, *empty),
    )


def _surfaces(held: bool) -> Callable[[tf.Tensor], tf.Tensor]:
    """The path of a mesh -> its triangles. held: those that were read stay in memory."""

    def read(path: bytes) -> np.ndarray:
        data = tf.io.gfile.GFile(path, "rb").read()
        return meshes.triangles(data, os.path.splitext(path)[1].decode().lower())

    kept = functools.cache(read) if held else read
    load = lambda path: kept(np.asarray(path, object).item())  # noqa: E731  # eagerly an array, in a graph bytes
    return lambda path: tf.ensure_shape(tf.numpy_function(load, [path], tf.float32, stateful=False), [None, 3, 3])


def _exists(root: epath.Path, name: str) -> None:
    """ValueError where there is no such folder, with the one that may have been meant."""
    if root.is_dir():
        return
    if not root.parent.is_dir():
        raise ValueError(f"{name}: there is no such folder")
    siblings = sorted(contents.printable(path.name) for path in root.parent.iterdir() if path.is_dir())
    raise ValueError(f"{name}: {spelling.unknown(contents.printable(root.name), siblings, os.fspath(root.parent))}")
