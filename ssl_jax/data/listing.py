"""The files of a kind below a folder: each real folder once, in an order that does not depend on the file system's."""

import os
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from etils import epath

from ssl_jax.data import encoded
from ssl_jax.data.contents import UNKNOWN, printable

VIDEOS = (".mp4", ".webm", ".mkv", ".avi", ".mov", ".m4v")
"""How the names of videos end."""


class Listing(NamedTuple):
    """Files below a root, sorted by their paths.

    names: relative to the root, with "/"; bytes that are no UTF-8 as `os.fsdecode` has them. sizes: int64 [n] bytes;
    times: int64 [n] nanoseconds; both -1 in a bucket, where each would cost a request. folders: the names directly
    below the root, sorted, with and without images. notes: sentences about what was left out. said: what a list or a
    table says of the class of each, None or "" for nothing; None where folders are the classes.
    """

    names: list[str]
    sizes: np.ndarray
    times: np.ndarray
    folders: list[str]
    notes: tuple[str, ...]
    said: Sequence[str | None] | None = None


def images(root: epath.Path, name: str) -> Listing:
    """The images below `root`."""
    return files(root, name, encoded.SUFFIXES)


def files(root: epath.Path, name: str, suffixes: tuple[str, ...], others: tuple[str, ...] = ()) -> Listing:
    """The files below `root`, local or gs://, whose names end so, in any case.

    Names that begin with a dot are not seen, links to folders are followed. others: ends of names that a note counts,
    since a person may have meant those files too.

    A real folder is listed once, so that a link to a folder above is no circle: under its real path where that lies
    below the root, else under the first path of links to it in sorted order. ValueError, which begins with `name`, for
    a folder that cannot be listed.
    """
    place = os.fspath(root)
    return _sorted(*(_remote if "://" in place else _local)(place, name, suffixes, others))


def not_read(name: str, left: Counter[str]) -> list[str]:
    """A sentence about files of other kinds."""
    shown = ", ".join(f"{count} {end}" for end, count in sorted(left.items()))
    return [f"{name}: files of other kinds lie there too and are not read: {shown}"] if left else []


def _sorted(files: list, sizes: array, times: array, folders: list[str], notes: list[str]) -> Listing:
    order = np.array(sorted(range(len(files)), key=files.__getitem__), np.int64)
    columns = (np.frombuffer(column, np.int64)[order] if len(order) else order for column in (sizes, times))
    return Listing([files[k] for k in order], *columns, sorted(folders), tuple(notes))


def _remote(root: str, name: str, suffixes: tuple[str, ...], others: tuple[str, ...]) -> tuple:
    """A bucket has no links, and tells neither sizes nor times in a listing."""
    files, tops, left = [], [], Counter()
    for place, folders, names in epath.Path(root).walk():
        folders[:] = [folder for folder in folders if not folder.startswith(".")]
        inside = os.fspath(place)[len(root) :].strip("/")
        tops = tops if inside else list(folders)
        if not any(part.startswith(".") for part in inside.split("/")):
            found = [n for n in names if n.lower().endswith(suffixes) and not n.startswith(".")]
            files += [f"{inside}/{image}" if inside else image for image in found]
            left.update(end(n) for n in names if n.lower().endswith(others) and not n.startswith("."))
    unknown = array("q", [UNKNOWN]) * len(files)
    return files, unknown, unknown, tops, not_read(name, left)


def _local(root: str, name: str, suffixes: tuple[str, ...], others: tuple[str, ...]) -> tuple:
    files, sizes, times = [], array("q"), array("q")
    seen, tops, again, dead, left = {}, [], [], [], Counter()
    links = [""]
    while links:
        # Real folders first, so that none is listed under the path of a link that could be listed under its own.
        waiting, links = sorted(links, reverse=True), []
        while waiting:
            place = waiting.pop()
            folders = []
            try:
                status = os.stat(os.path.join(root, place))
                first = seen.setdefault((status.st_dev, status.st_ino), place)
                if first != place:
                    again.append(f"{printable(place)} (listed as {printable(first) or 'the folder itself'})")
                    continue
                tops += [place] if place and "/" not in place else []
                for inside, entry in _entries(root, place):
                    if _is(entry.is_dir):
                        (links if entry.is_symlink() else folders).append(inside)
                    elif entry.name.lower().endswith(others):
                        left[end(entry.name)] += 1
                    elif entry.name.lower().endswith(suffixes):
                        if not _is(entry.is_file):
                            dead.append(printable(inside))
                            continue
                        status = entry.stat()
                        files.append(inside)
                        sizes.append(status.st_size)
                        times.append(status.st_mtime_ns)
            except OSError as error:
                raise ValueError(f"{name}: the folder {printable(place) or '.'} cannot be listed: {error}") from error
            waiting += reversed(folders)
    notes = [
        *note(name, again, "links not followed, since their folders are listed already"),
        *note(name, dead, "left out, since they are not files (broken links, pipes)"),
        *not_read(name, left),
    ]
    return files, sizes, times, tops, notes


def end(name: str) -> str:
    """How a file's name ends, in lower case: ".jpg"."""
    return os.path.splitext(name)[1].lower()


def _entries(root: str, place: str) -> Iterator[tuple[str, os.DirEntry]]:
    """(path relative to the root, entry) of what a folder holds, sorted; not what begins with a dot."""
    with os.scandir(os.path.join(root, place)) as entries:
        found = sorted((entry for entry in entries if not entry.name.startswith(".")), key=lambda entry: entry.name)
    return ((f"{place}/{entry.name}" if place else entry.name, entry) for entry in found)


def _is(question: Callable[[], bool]) -> bool:
    """The answer of a directory entry; False for a link that leads to itself."""
    try:
        return question()
    except OSError:
        return False


def note(name: str, found: list[str], what: str) -> list[str]:
    """One sentence that shows the first of what was found, and how many more there are."""
    more = f" and {len(found) - 3} more" if len(found) > 3 else ""
    return [f"{name}: {what}: {', '.join(found[:3])}{more}"] if found else []
