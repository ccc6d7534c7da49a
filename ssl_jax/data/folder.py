"""Sources from a folder of images, of videos, or of meshes."""

import functools
import os
import re
from collections.abc import Callable

import numpy as np
import tensorflow as tf
from etils import epath

from ssl_jax.checks import spelling
from ssl_jax.data import contents, encoded, listing, meshes, queries
from ssl_jax.data.parts import Clip, Image, Points
from ssl_jax.data.source import Source, digest
from ssl_jax.views import decoding, formats

SPLITS = {
    *("train", "training", "val", "valid", "validation", "dev", "test", "testing", "extra"),
    *("unlabeled", "unlabelled"),
}
"""Names of splits, in any case. Each of them can be a class as well: a train is one of COCO's 80."""
PROBES, REMOTE = 4096, 64
"""Files whose headers are read, at most: local ones, and ones behind a network."""
HEAD = 64 * 1024
"""Bytes in which a header is looked for first; the rest of a file is read where it is not there."""
VIDEOS = (".mp4", ".webm", ".mkv", ".avi", ".mov", ".m4v")
"""How the names of videos end."""
OPTIONS = {"split": "", "pages": "", "key": ""}
"""What may stand behind the ? of a folder, and what it is without."""
DICOM = (
    "of DICOM, gray fills the range of 8 or 16 bits; CT, and what is signed or rescaled, has a level a unit, with "
    "-1024 at 0; MONOCHROME1 is inverted, and no window is applied"
)
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
    to be named. pages=first or pages=channels: how files of several pages or frames are read, TIFF and DICOM, which
    are unreadable without it. key=NAME: which array of an .npz is the image, where it has several.

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
    place, reading, split = _parsed(path, name)
    root = epath.Path(place).expanduser()
    _exists(root, name)
    listed = _listed(root, name, encoded.ALL, split, (*VIDEOS, *meshes.SUFFIXES))
    if not listed.names:
        return _others(root, name, split, channels, bits)
    suffixes = {file[file.rfind(".") :].lower() for file in listed.names}
    formats.require(suffixes, name)
    headers = _headers(root, listed.names, reading)
    found = encoded.common(headers or [(3, 8)])
    width = channels or found[0]
    if width not in formats.MODES and headers and width not in {c for c, _ in headers}:
        raise ValueError(
            f"{name}: {width} channels cannot be read, since no file has them; data.channels is 1, 3, 4, or 0 for "
            "those of the files"
        )
    reads = encoded.read_as(width, suffixes=suffixes, reading=reading)
    source = _of_files(root, name, listed, Image(width, bits or found[1], reading=reads))
    told = _notices(name, headers, source.size, (channels, bits))
    dicom = (f"{name}: {DICOM}",) if not suffixes.isdisjoint((".dcm", ".dicom")) else ()
    source = source._replace(notices=(*source.notices, *told, *dicom))
    if not any(reading):
        return source
    return source._replace(digest=digest(source.digest, *reading), stamp=digest(source.stamp, *reading))


def _parsed(path: str, name: str) -> tuple[str, formats.Reading, str]:
    """(the folder, how its files are read, the split) of what a person wrote. ValueError for options that cannot be."""
    begin = re.search(rf"\?(?=({'|'.join(OPTIONS)})=)", path)
    place, query = (path[: begin.start()], path[begin.end() :]) if begin else (path, "")
    found = OPTIONS | queries.options(query, OPTIONS, name, "folder")
    if found["pages"] not in ("", *formats.PAGES):
        raise ValueError(f"{name}: {spelling.unknown(found['pages'], formats.PAGES, 'the values of pages')}")
    return place, formats.Reading(found["pages"], found["key"]), found["split"]


def _others(root: epath.Path, name: str, split: str, channels: int | None, bits: int | None) -> Source:
    """A folder of videos, or of meshes."""
    listed, part = _listed(root, name, VIDEOS, split, meshes.SUFFIXES), Clip()
    if not listed.names:
        listed, part = _listed(root, name, meshes.SUFFIXES, split), Points(surface=True)
    if not listed.names:
        ends = ", ".join(encoded.ALL), ", ".join(VIDEOS), ", ".join(meshes.SUFFIXES)
        raise ValueError(
            f"{name}: no images there; those that are looked for end in {ends[0]}, those of videos in {ends[1]}, those "
            f"of meshes in {ends[2]}"
        )
    for what, given, there in (("channels", channels, 3), ("bits", bits, 8)):
        if given is not None and isinstance(part, Points):
            raise ValueError(f"{name} has meshes, which have no {what}")
        if given not in (None, there):
            raise ValueError(f"{name} has videos, which are read as {there} {what}, not {given}")
    return _of_files(root, name, listed, part)


def _listed(
    root: epath.Path, name: str, suffixes: tuple[str, ...], split: str, others: tuple[str, ...] = ()
) -> listing.Listing:
    """The files of a kind; of a split those in the folder of its name in each class. ValueError for unnamed splits."""
    found = listing.files(root, name, suffixes, others)
    if not found.names:
        return found
    if not split:
        _no_splits(found.names, found.folders, name)
        return found
    inner = [file.split("/")[1] if file.count("/") > 1 else "" for file in found.names]
    if split not in inner:
        raise ValueError(spelling.unknown(split, sorted({*inner} - {""}), f"the splits of {name}"))
    rows = np.flatnonzero(np.array(inner) == split)
    return found._replace(names=[found.names[k] for k in rows], sizes=found.sizes[rows], times=found.times[rows])


def _of_files(root: epath.Path, name: str, listed: listing.Listing, part: Image | Clip | Points) -> Source:
    """One example a file; files in folders have classes."""
    files, sizes, times, folders, notes = listed
    number = {folder: k for k, folder in enumerate(folders)}
    labels = np.array([number[file.split("/", 1)[0]] if "/" in file else -1 for file in files], np.int32)
    base = f"{os.fspath(root).rstrip('/')}/"
    same, stamp = contents.compared(files, sizes, times, lambda k: base + files[k])
    classes = tuple(map(contents.printable, folders)) if labels.max() >= 0 else ()
    where, paths, targets = contents.raw(base), tf.constant([contents.raw(file) for file in files]), tf.constant(labels)
    kind, what = {Image: ("image", "images"), Clip: ("clip", "videos"), Points: ("points", "meshes")}[type(part)]
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
        digest=digest(same, *classes),
        # Not from the list, which a million paths make too large to be kept beside the tensor.
        describe=lambda index: contents.printable(where + paths[int(index)].numpy()),
        stamp=digest(stamp, *classes),
        notices=(*notes, *_empty(labels, classes, what, name)),
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


def _no_splits(files: list[str], folders: list[str], name: str) -> None:
    """ValueError where the folders below the root are splits, or those in its classes, by the rules of `folder`."""
    own = sorted({file.split("/")[1] for file in files if file.count("/") > 1})
    if len(own) > 1 and all(file.count("/") > 1 for file in files) and all(part.lower() in SPLITS for part in own):
        raise ValueError(
            f"{name}: its classes hold the splits {', '.join(own)}: name one, as in {name}?split={own[-1]}"
        )
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


def _empty(labels: np.ndarray, classes: tuple[str, ...], what: str, name: str) -> list[str]:
    """A sentence about classes without files, which may be a mistake."""
    counts = np.bincount(labels[labels >= 0], minlength=len(classes))
    empty = [part for part, count in zip(classes, counts, strict=True) if not count] if classes else []
    shown = ", ".join(empty[:3]) + (", ..." if len(empty) > 3 else "")
    return [f"{name}: {len(empty)} of the {len(classes)} classes have no {what}: {shown}"] if empty else []


def _headers(root: epath.Path, files: list[str], reading: formats.Reading) -> list[tuple[int, int]]:
    """(channels, bits) of files spread over the listing; files without an image header do not count."""
    probes = REMOTE if "://" in os.fspath(root) else PROBES
    chosen = sorted({round(step) for step in np.linspace(0, len(files) - 1, min(probes, len(files)))})
    heads = (_header(root / files[step], reading) for step in chosen)
    return [head for head in heads if head is not None]


def _header(path: epath.Path, reading: formats.Reading) -> tuple[int, int] | None:
    try:
        with path.open("rb") as file:
            data = file.read(HEAD)
            if formats.kind(data):
                file.seek(0)
                return encoded.header_of(file, reading)
            if len(data) == HEAD and data[:2] == decoding.JPEG and not encoded.framed(data):
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
