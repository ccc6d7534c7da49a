"""Files by a pattern, and bytes out of the middle of one: local, or gs:// and what else TensorFlow reads."""

import glob
import io
import os
import re
from typing import BinaryIO

import tensorflow as tf


def expanded(pattern: str) -> list[str]:
    """The patterns that braces stand for: {000..012} counts with its zeros, {a,b} lists."""
    found = re.search(r"\{([^{}]*)\}", pattern)
    if not found:
        return [pattern]
    span = re.fullmatch(r"(\d+)\.\.(\d+)", found[1])
    if span:
        first, last = int(span[1]), int(span[2])
        options = [str(k).zfill(len(span[1])) for k in range(first, last + 1)]
    else:
        options = found[1].split(",")
    return [
        whole for option in options for whole in expanded(pattern[: found.start()] + option + pattern[found.end() :])
    ]


def matching(pattern: str, name: str, *, suffix: str = "") -> list[str]:
    """The files of a path with braces (`{000..012}`, `{a,b}`), or `*`, `?` and `[...]`, each once: sorted within what
    one pattern without braces matches. suffix: of a folder all files below it that end so.

    Raises ValueError, which begins with `name`, where one of the patterns matches no file.
    """
    files = []
    for one in expanded(os.path.expanduser(pattern)):
        some = _files(one, suffix)
        if not some:
            raise ValueError(f"{name}: no file matches {one}")
        files += some
    if not files:
        raise ValueError(f"{name}: the braces of {pattern} stand for nothing")
    return list(dict.fromkeys(files))


def _files(pattern: str, suffix: str) -> list[str]:
    remote, files = "://" in pattern, tf.io.gfile
    if suffix and (files.isdir if remote else os.path.isdir)(pattern):
        return below(pattern, suffix)
    if remote:
        return sorted(path for path in files.glob(pattern) if not files.isdir(path))
    if os.path.isfile(pattern):  # also where its name has brackets
        return [pattern]
    return sorted(path for path in glob.glob(pattern) if os.path.isfile(path))


def below(folder: str, suffix: str) -> list[str]:
    """The files below a folder whose names end so, in any case, and do not begin with a dot; sorted."""
    walk = tf.io.gfile.walk(folder) if "://" in folder else os.walk(folder, followlinks=True)
    found = ((place.rstrip("/"), name) for place, _, names in walk for name in names)
    return sorted(f"{place}/{name}" for place, name in found if name.lower().endswith(suffix) and name[0] != ".")


class _Remote(io.RawIOBase):
    """A file that TensorFlow reads, as Python's own files are; what fails there is an OSError."""

    def __init__(self, path: str):
        self.file, self.at = tf.io.gfile.GFile(path, "rb"), 0
        try:
            self.length = self.file.size()
        except tf.errors.OpError as error:
            raise OSError(error.message) from error

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self.at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self.at, io.SEEK_END: self.length}[whence]
        return self.at

    def readinto(self, buffer: memoryview) -> int:
        try:
            self.file.seek(self.at)
            data = self.file.read(min(len(buffer), max(0, self.length - self.at)))
        except tf.errors.OpError as error:
            raise OSError(error.message) from error
        buffer[: len(data)] = data
        self.at += len(data)
        return len(data)

    def close(self) -> None:
        self.file.close()
        super().close()


def opened(path: str) -> BinaryIO:
    """The file, to be read as bytes; it can seek. Raises OSError where it cannot be opened."""
    return io.BufferedReader(_Remote(path)) if "://" in path else open(path, "rb")


def span(path: str, start: int, size: int) -> bytes:
    """Bytes of a file; fewer where it ends before, none where it cannot be read or `size` is less than 1."""
    if size < 1:
        return b""
    try:
        if "://" in path:
            with tf.io.gfile.GFile(path, "rb") as file:  # not `opened`, which asks for the size
                file.seek(start)
                return file.read(size)
        with open(path, "rb", buffering=0) as file:
            return os.pread(file.fileno(), size, start)
    except (OSError, tf.errors.OpError):
        return b""
