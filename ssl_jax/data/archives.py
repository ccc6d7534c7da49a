"""Sources from zip and tar files of images, which stay packed: a member is read from where its bytes lie."""

import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from ssl_jax.data import contents, encoded, headers, layout, listing, meshes, places, queries, tars
from ssl_jax.data.source import Source, digest
from ssl_jax.data.stored import stored
from ssl_jax.views import formats

OPTIONS = ("folder", "split", *headers.OPTIONS)
ENCRYPTED = 1
"""The bit of a zip member's flags that says so."""
LOCAL = 30
"""Bytes of the header before a zip member's bytes; the last four are the lengths of its name and of what follows."""


class Member(NamedTuple):
    """A file of an archive. start: where its bytes, or the zip's header before them, begin; stored: how many there
    are; size: of the file; check: its CRC-32; method: how it is packed, `TAR` for a member of a tar."""

    name: str
    archive: int
    start: int
    stored: int
    size: int
    check: int
    method: int


TAR = -1


def zip_source(text: str, *, channels: int | None = None, bits: int | None = None) -> Source:
    """The images of zip files, `PATTERN[?folder=PATH&split=NAME&pages=WAY&key=NAME]`: as `folder:` reads them unpacked.

    pattern: a file, or a path with braces or stars; several files are read as if all had been unpacked into one folder.
    folder: the folder inside that is meant; where all images lie in one that has folders again, as in an archive of a
    folder, it is that one. Classes, splits, pages, key and what is not seen are those of `folder.folder`; __MACOSX is
    not seen either. ValueError, in one sentence, for a file that is no zip or ends early, for images that are encrypted
    or packed otherwise than stored or deflated, and for no images.
    """
    return _source("zip", text, _zipped, (channels, bits))


def tar_source(text: str, *, channels: int | None = None, bits: int | None = None) -> Source:
    """The images of tar files, as `zip_source` reads zips. ValueError for compressed ones too."""
    return _source("tar", text, _tarred, (channels, bits))


def _source(kind: str, text: str, members: Callable, asked: tuple[int | None, int | None]) -> Source:
    name, notes = f"{kind}:{contents.printable(text)}", []
    place, wanted = queries.parted(text, OPTIONS, name, kind)
    reading = headers.reading(wanted, name)
    files = places.matching(place, name)
    every = [each for number, path in enumerate(files) for each in members(path, number, name, notes)]
    known, prefix, listed = _listed(every, wanted.get("folder", "").strip("/"), name, notes)
    inside = f"{kind}:{contents.printable(place)}?folder={contents.printable(prefix)}"
    listed = layout.of_split(listed, wanted.get("split", ""), name, inside)
    found = [known[inside] for inside in listed.names]
    if kind == "zip":
        _packed_as_read(found, name)
    labels, classes, empty = layout.classes(listed, "images", name)
    rows = np.array([each[1:] for each in found], np.int64)
    inner = [contents.raw(each.name) for each in found]

    def fetch(numbers: np.ndarray, most: int | None = None) -> list[bytes]:
        return [_bytes(files[rows[k, 0]], rows[k, 1:].tolist(), most) for k in numbers]

    def names(numbers: Sequence[int]) -> list[str]:
        return [contents.printable(inner[k] + b" of " + contents.raw(files[rows[k, 0]])) for k in numbers]

    head = lambda k, most: fetch(np.array([k]), most)[0]  # noqa: E731
    probes, suffixes = headers.REMOTE if "://" in files[0] else headers.PROBES, {*map(listing.end, listed.names)}
    if not suffixes.isdisjoint(formats.SUFFIXES):  # whose headers may lie anywhere in them
        probes = min(probes, headers.FEW)
    known_of = dict(most=probes, noun="images", suffixes=suffixes, how=reading)
    image, told = headers.read(name, len(rows), head, asked, **known_of)
    said = (*listed.names, *classes, *(reading if any(reading) else ()))
    identity = tuple(digest(part, *said) for part in contents.of_files(files))
    card = dict(image=image, labels=labels, classes=classes, identity=identity)
    return stored(name, fetch, names, notices=[*notes, *empty, *told], **card)


def _listed(members: list[Member], folder: str, name: str, notes: list[str]) -> tuple[dict, str, listing.Listing]:
    """({path inside the folder: member}, the folder's path, the listing of the images by their paths in it)."""
    known, twice, left, outside, tops = {}, 0, Counter(), [], set()
    for each in members:
        inside = each.name.removeprefix("./")
        parts = inside.split("/")
        if inside.startswith("/") or ".." in parts:
            outside.append(contents.printable(each.name))
            continue
        if any(part.startswith(".") for part in parts) or parts[0] == "__MACOSX":
            continue
        if inside.endswith("/"):
            tops.add(inside)
        elif inside.lower().endswith(encoded.ALL):
            twice += inside in known
            known[inside] = each  # unpacking would leave the last one, too
        elif inside.lower().endswith((*listing.VIDEOS, *meshes.SUFFIXES)):
            left[listing.end(inside)] += 1
    notes += listing.note(name, outside, "left out, since their paths lead out of the archive")
    notes += [f"{name}: {twice:,} paths come again; the last of each is read"] if twice else []
    notes += listing.not_read(name, left)
    prefix = f"{folder}/" if folder else _wrapped(known)
    if prefix and not folder:
        notes.append(f"{name}: all images lie in {contents.printable(prefix)}, whose folders are the classes")
    inside = {path[len(prefix) :]: each for path, each in known.items() if path.startswith(prefix)}
    if not inside:
        where = f"in the folder {folder}" if folder else "there"
        raise ValueError(f"{name}: no images {where}; those that are looked for end in {', '.join(encoded.ALL)}")
    every = [*inside, *(path[len(prefix) :] for path in tops if path.startswith(prefix))]
    folders = sorted({path.split("/", 1)[0] for path in every if "/" in path})
    names = sorted(inside)
    unknown = np.full(len(names), contents.UNKNOWN, np.int64)
    return inside, prefix, listing.Listing(names, unknown, unknown, folders, ())


def _wrapped(paths: dict[str, Member]) -> str:
    """The folders, with "/", around everything where an archive is that of a folder; "" where it is not."""
    prefix = ""
    while True:
        tops = {path[len(prefix) :].split("/", 1)[0] for path in paths}
        if len(tops) != 1 or any(path.count("/") < prefix.count("/") + 2 for path in paths):
            return prefix
        prefix += f"{tops.pop()}/"


def _zipped(path: str, number: int, name: str, notes: list[str]) -> Iterator[Member]:
    """The members of a zip, by the directory at its end."""
    try:
        with places.opened(path) as file, zipfile.ZipFile(file) as archive:
            infos = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError) as error:
        said = "is no zip file, or ends early: the directory at its end cannot be read"
        raise ValueError(f"{name}: {contents.printable(path)} {said} ({error})") from error
    except OSError as error:
        raise ValueError(f"{name}: {contents.printable(path)} cannot be read: {error}") from error
    for info in infos:
        inside = info.filename.replace("\\", "/") if info.create_system == 0 else info.filename
        method = info.compress_type if not info.flag_bits & ENCRYPTED else None
        yield Member(inside, number, info.header_offset, info.compress_size, info.file_size, info.CRC, method)


def _packed_as_read(members: list[Member], name: str) -> None:
    """ValueError for images that are encrypted, or packed in a way that is not read."""
    locked = [contents.printable(each.name) for each in members if each.method is None]
    if locked:
        raise ValueError(f"{name}: {_some(locked)} encrypted; unpack it with its password and read the folder")
    known = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
    odd = [contents.printable(each.name) for each in members if each.method not in known]
    if odd:
        raise ValueError(f"{name}: {_some(odd)} packed neither stored nor deflated; unpack it and read the folder")


def _some(found: list[str]) -> str:
    return f"{found[0]} and {len(found) - 1:,} more are" if len(found) > 1 else f"{found[0]} is"


def _tarred(path: str, number: int, name: str, notes: list[str]) -> Iterator[Member]:
    """The members of a tar that are whole."""
    links = []
    for each in tars.members(path, name, notes):
        if each.isdir():
            yield Member(f"{each.name}/", number, 0, 0, 0, 0, TAR)
        elif each.isreg() and not each.issparse():
            yield Member(each.name, number, each.offset_data, each.size, each.size, 0, TAR)
        else:
            links.append(contents.printable(each.name))
    notes += listing.note(name, links, "left out, since they are not files (links, pipes)")


def _bytes(path: str, where: Sequence[int], most: int | None) -> bytes:
    """A member, or its first bytes, at most so many; b"" where it is damaged."""
    start, stored, size, check, method = where
    if method != TAR:
        head = places.span(path, start, LOCAL)
        if head[:4] != b"PK\x03\x04":
            return b""
        start += LOCAL + int.from_bytes(head[26:28], "little") + int.from_bytes(head[28:30], "little")
    part = stored if most is None else min(stored, most)
    data = places.span(path, start, part)
    if method == zipfile.ZIP_DEFLATED:
        try:
            data = zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, max(1, size) if most is None else most)
        except zlib.error:
            return b""
    if most is not None:
        return data
    return data if len(data) == size and (method == TAR or zlib.crc32(data) == check) else b""
