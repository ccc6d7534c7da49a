"""Files by a pattern, and bytes out of the middle of one: local, or gs:// and what else TensorFlow reads."""

import glob
import os
import re
from typing import Any

import tensorflow as tf

from ssl_jax.data.contents import printable


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
            raise ValueError(f"{name}: no file matches {printable(one)}")
        files += some
    if not files:
        raise ValueError(f"{name}: the braces of {printable(pattern)} stand for nothing")
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


def opened(path: str) -> Any:
    """The file, to be read as bytes; it can seek. Raises OSError, or tf.errors.OpError for remote ones."""
    return tf.io.gfile.GFile(path, "rb") if "://" in path else open(path, "rb")


def span(path: str, start: int, size: int) -> bytes:
    """Bytes of a file; fewer where it ends before, none where it cannot be read or `size` is less than 1."""
    if size < 1:
        return b""
    try:
        if "://" in path:
            with opened(path) as file:
                file.seek(start)
                return file.read(size)
        with open(path, "rb", buffering=0) as file:
            return os.pread(file.fileno(), size, start)
    except (OSError, tf.errors.OpError):
        return b""
