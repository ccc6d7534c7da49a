"""The members of tar files by where their bytes lie; headers alone are read."""

import tarfile
from collections.abc import Iterator

from ssl_jax.data import contents, places


def members(path: str, name: str, notes: list[str]) -> Iterator[tarfile.TarInfo]:
    """The members of an uncompressed tar that are whole, in its order. What is amiss with the file goes into `notes`.

    Raises ValueError, which begins with `name`, for a file that cannot be read, is compressed, or is no tar.
    """
    early = f"{name}: the file {path} ends early or is damaged; what lies before that place is read"
    begun, size = False, contents.size(path)
    try:
        with places.opened(path) as file, tarfile.open(fileobj=file, mode="r:") as tar:
            while (member := tar.next()) is not None:
                tar.members, begun = [], True  # else every header is kept
                if member.offset_data + member.size > size:
                    notes.append(early)
                    return
                yield member
            end = tar.offset
    except tarfile.ReadError as error:
        if begun:
            notes.append(early)
            return
        what = "compressed, so that nothing in it can be read alone; unpack it" if _compressed(path) else "no tar file"
        raise ValueError(f"{name}: {path} is {what}") from error
    except OSError as error:
        raise ValueError(f"{name}: {path} cannot be read: {error}") from error
    if places.span(path, end, tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):  # what an archive ends with
        notes.append(early)


def _compressed(path: str) -> bool:
    return places.span(path, 0, 6).startswith((b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd"))
