"""What tells files from other files: a digest of names, sizes and contents, and a stricter stamp with their times.

Contents are read whole where all files together are small. Else a sample is read: up to 1,000 files spread evenly over
the listing, and from these 1,000 blocks of 64 KiB in all, the first of each file among them, the others spread over
it. A change elsewhere that keeps the size shows in the stamp alone, through the time of modification.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import tensorflow as tf

from ssl_jax.data import places
from ssl_jax.data.source import digest

WHOLE, MANY = 64 * 2**20, 2**16
"""Bytes, and files, up to which all contents are read."""
SAMPLE, BLOCK = 1000, 64 * 2**10
"""Blocks of a sample, and the bytes of each."""
THREADS = 16
"""Readers: more than cores, since network file systems answer slowly."""
UNKNOWN = -1
"""The size or time of a file where it cannot be had cheaply."""


def compared(names: Sequence[str], sizes: np.ndarray, times: np.ndarray, path: Callable[[int], str]) -> tuple[str, str]:
    """(digest, stamp) of files in this order. names: what counts of their paths. path: which of them -> where it lies.

    sizes: int64 [n] bytes. times: int64 [n] nanoseconds. Where sizes are unknown, as in a listing of a bucket, the
    first blocks of a sample of files are read; where times are, the stamp knows no more than the digest. A file that
    cannot be read counts as its name and size.
    """
    listed = b"".join(raw(name) + b"\0" for name in names)
    with ThreadPoolExecutor(THREADS) as pool:
        found = pool.map(lambda block: _read(path(block[0]), *block[1:]), _blocks(sizes))
        same = digest(listed, sizes.astype("<i8").tobytes(), *found)
    return same, digest(same, times.astype("<i8").tobytes())


def of_files(paths: Sequence[str]) -> tuple[str, str]:
    """(digest, stamp) of a few large files in this order, local or gs://; their folders count in neither.

    ValueError for a file that is not there.
    """
    with ThreadPoolExecutor(THREADS) as pool:
        sizes, times = np.array(list(pool.map(_status, paths)), np.int64).T
    return compared([os.path.basename(path) for path in paths], sizes, times, paths.__getitem__)


def size(path: str) -> int:
    """The bytes of a file. ValueError where it is not there."""
    return _status(path)[0]


def raw(name: str) -> bytes:
    """The bytes of a file's name as the file system has them, also where they are no UTF-8."""
    return os.fsencode(name)


def printable(name: str | bytes) -> str:
    """A file's name for people and JSON: bytes that are no UTF-8, and what cannot be printed, as \\xe9 or \\n."""
    text = (raw(name) if isinstance(name, str) else name).decode(errors="backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _blocks(sizes: np.ndarray) -> list[tuple[int, int, int]]:
    """(which file, first byte, how many bytes) of what is read."""
    if len(sizes) <= MANY and UNKNOWN not in sizes and sizes.sum() <= WHOLE:
        return [(k, 0, int(size)) for k, size in enumerate(sizes)]
    chosen = np.unique(np.linspace(0, len(sizes) - 1, min(SAMPLE, len(sizes))).astype(int))
    each = SAMPLE // len(chosen)
    starts = [np.unique(np.linspace(0, max(0, sizes[k] - BLOCK), each).astype(int)) for k in chosen]
    return [(int(k), int(start), BLOCK) for k, places in zip(chosen, starts, strict=True) for start in places]


def _read(path: str, start: int, count: int) -> str:
    """The digest of a block of a file; "" where it cannot be read."""
    try:
        with places.opened(path) as file:
            file.seek(start)
            return digest(file.read(count))
    except OSError:
        return ""


def _status(path: str) -> tuple[int, int]:
    """(bytes, nanoseconds of the last modification)."""
    try:
        if "://" in path:
            found = tf.io.gfile.stat(path)
            return found.length, found.mtime_nsec
        status = os.stat(path)
    except (OSError, tf.errors.OpError) as error:
        raise ValueError(f"{printable(path)} cannot be read: {error}") from error
    return status.st_size, status.st_mtime_ns
