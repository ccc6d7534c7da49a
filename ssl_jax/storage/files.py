"""Files that are there whole or not at all, on a disk and in a bucket."""

import os
import uuid
from collections.abc import Callable
from typing import BinaryIO

from etils import epath


def write(path: str | os.PathLike, text: str) -> None:
    """Puts a text in the place of what `path` has, in one move. An object of a bucket appears whole by itself."""
    path = epath.Path(path)
    if "://" in os.fspath(path):
        path.write_text(text)
    else:
        save(path, lambda file: file.write(text.encode()))


def save(path: epath.Path, into: Callable[[BinaryIO], object]) -> None:
    """Puts what `into` writes to an open file in the place of what `path` has, in one move; nothing where it fails."""
    fresh = path.parent / f"{path.name}.{uuid.uuid4().hex[:8]}.new"
    try:
        with fresh.open("wb") as file:
            into(file)
        fresh.replace(path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
