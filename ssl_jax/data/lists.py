"""Files that a list names: a path a line, and what class it is."""

import os
import posixpath
import re

import numpy as np
from etils import epath

from ssl_jax.data import encoded, meshes
from ssl_jax.data.contents import UNKNOWN, printable
from ssl_jax.data.layout import SPLITS
from ssl_jax.data.listing import VIDEOS, Listing, note

PATH = re.compile(rf"(.*?(?:{'|'.join(map(re.escape, (*encoded.ALL, *VIDEOS, *meshes.SUFFIXES)))}))(?:\s+(.*))?", re.I)
"""A path up to the first ending of a file that is read, and what follows it."""


def lines(path: str, name: str) -> tuple[list[str], list[str] | None]:
    """(paths, classes) of a list: a path a line, and after it, if any line has one, its class or the number of it.

    A tab stands between the two, or white space after the ending of the file's name. classes: "" of a line without
    one; None where no line has one. Raises ValueError, which begins with `name`, for a list that is not there or empty.
    """
    place = epath.Path(path).expanduser()
    if not place.exists() or place.is_dir():
        raise ValueError(f"{name}: there is no list {path}")
    found = [line.rstrip("\r") for line in os.fsdecode(place.read_bytes().removeprefix(b"\xef\xbb\xbf")).split("\n")]
    parted = [_parted(line) for line in found if line.strip()]
    if not parted:
        raise ValueError(f"{name}: the list {path} has no lines")
    paths, classes = ([*column] for column in zip(*parted, strict=True))
    return paths, classes if any(classes) else None


def of_kind(path: str, root: epath.Path, name: str, suffixes: tuple[str, ...]) -> Listing:
    """The files below `root` that the list `path` names and whose names end so; other lines are counted and named."""
    paths, said = lines(path, name)
    rows = [k for k, each in enumerate(paths) if each.lower().endswith(suffixes)]
    if not rows:
        return Listing([], np.zeros(0, np.int64), np.zeros(0, np.int64), [], ())
    others = [printable(each) for each in paths if not each.lower().endswith(suffixes)]
    way_out = "name a folder above all of them"
    chosen = files(os.fspath(root), [paths[k] for k in rows], said and [said[k] for k in rows], name, way_out)
    left = f"{len(others):,} of {len(paths):,} lines of the list are of other kinds and are not read"
    notes = [*note(name, others, left), *chosen.notes]
    tops = {each.split("/", 1)[0] for each in chosen.names if "/" in each}
    if said is None and tops and all(top.lower() in SPLITS for top in tops):
        notes.append(f"{name}: folders are splits and no classes there; write a class behind each path of the list")
        return chosen._replace(notes=tuple(notes), said=[""] * len(rows))
    return chosen._replace(notes=tuple(notes))


def _parted(line: str) -> tuple[str, str]:
    if "\t" in line:
        path, _, rest = line.partition("\t")
        return path.strip(), rest.strip()
    match = PATH.fullmatch(line.strip())
    return (match[1], match[2] or "") if match else (line.strip(), "")


def files(root: str, paths: list[str], said: list[str] | None, name: str, way_out: str) -> Listing:
    """The files of these paths, in this order; a path may come twice. said: their classes, as in `Listing`.

    Local ones that are not there are counted and named. Raises ValueError, which begins with `name`, where none is
    there, and for a path that leads out of `root`; way_out: what to do then.
    """
    names, gone = [_inside(root, path, name, way_out) for path in paths], []
    sizes, times = (np.full(len(names), UNKNOWN, np.int64) for _ in range(2))
    for k, path in enumerate(names if "://" not in root else ()):
        try:
            status = os.stat(os.path.join(root, path))
            sizes[k], times[k] = status.st_size, status.st_mtime_ns
        except (OSError, ValueError):
            sizes[k] = times[k] = 0
            gone.append(printable(path))
    if len(gone) == len(names):
        raise ValueError(f"{name}: none of the {len(names):,} files is in {printable(root)}, as {gone[0]}")
    folders = [] if said else sorted({*_folders(root), *(path.split("/", 1)[0] for path in names if "/" in path)})
    missing = f"{len(gone):,} of {len(names):,} files are not there and are replaced as images that cannot be read are"
    return Listing(names, sizes, times, folders, tuple(note(name, gone, missing)), said)


def _inside(root: str, path: str, name: str, way_out: str) -> str:
    """The path relative to the root."""
    path = path.replace("\\", "/") if "/" not in path else path
    base = root.rstrip("/") + "/"
    rest = path.removeprefix(base)
    inside = posixpath.normpath(rest)
    if inside == ".." or inside.startswith(("../", "/")) or "://" in rest:
        raise ValueError(f"{name}: the path {printable(path)} leads out of {printable(root)}; {way_out}")
    return inside


def _folders(root: str) -> list[str]:
    """Those directly below a local root; behind a network to ask takes a request each."""
    if "://" in root:
        return []
    with os.scandir(root) as entries:
        return [entry.name for entry in entries if entry.name[0] != "." and entry.is_dir()]
