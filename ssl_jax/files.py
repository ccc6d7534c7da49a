"""Files that are there whole or not at all, on a disk and in a bucket."""

import os
import uuid

from etils import epath


def write(path: str | os.PathLike, text: str) -> None:
    """Puts a text in the place of what `path` has, in one move. An object of a bucket appears whole by itself."""
    path = epath.Path(path)
    if "://" in os.fspath(path):
        path.write_text(text)
        return
    fresh = path.parent / f"{path.name}.{uuid.uuid4().hex[:8]}.new"
    try:
        fresh.write_text(text)
        fresh.replace(path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
