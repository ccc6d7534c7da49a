"""Sources from WebDataset shards of pairs, in img2dataset's layout: KEY.png or .jpg, KEY.txt, KEY.json, KEY.cls."""

import itertools
import json
import tarfile
from array import array
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from ssl_jax.checks import spelling
from ssl_jax.data import contents, encoded, headers, places, queries, tars
from ssl_jax.data.parts import Text
from ssl_jax.data.source import Source, digest
from ssl_jax.views import formats

COLUMNS = ("shard", "member", "image", "image_size", "text", "text_size", "meta", "meta_size")
"""What the index has of an example, int64 each: which shard, where its first member's header lies, and of image, text
and metadata where their bytes lie and how many there are; -1 bytes of what is missing."""
MISSING = (-1, -1, -1)
Member = tuple[str, str, int, int, int]
"""(key, suffix, where the header lies, where the bytes lie, how many there are)."""


def wds(pattern: str, *, channels: int | None = None, bits: int | None = None) -> Source:
    """Pairs of image and text from tar shards `PATTERN[?pages=WAY&key=NAME][#FIELD]`, as train-{000..012}.tar#category.

    pattern: a path with braces (`{000..012}`, `{a,b}`), or `*`, `?` and `[...]`; shards in the order of their names.
    Members of one key that follow each other are an example; its index counts through the shards. Headers are read
    once, and of an example 64 bytes are kept. The parts are "image" and "text": the captions, a line each.
    Labels are the numbers of KEY.cls, or the values of FIELD in KEY.json, whose classes are their sorted names; -1
    where there is none. channels, bits: of the decoded images; None for what 256 headers have in common. pages, key: as
    in `folder.folder`. A key with several images has the first of those that TensorFlow decodes, else the first.

    What is wrong with single examples is told by `notices`: shards that end early, of which the whole examples are
    read; keys without an image, which are left out; examples without a caption, which the stream replaces as it does
    images that cannot be read; keys that come twice. Raises ValueError for a pattern without files, a listed shard
    that is not there, one that is no tar or compressed, and for no examples.
    """
    text, _, field = pattern.partition("#")
    name = f"wds:{pattern}"
    where, wanted = queries.parted(text, headers.OPTIONS, name, "wds")
    reading = headers.reading(wanted, name)
    files = places.matching(where, name)
    index, suffixes, notes = _indexed(files, name)
    labels, classes, said = _labels(files, index, field, name)
    head = lambda k, _: _bytes(files, index.rows[k], "image")  # noqa: E731
    known = dict(most=headers.FEW, noun="images", suffixes=suffixes, how=reading)
    image, told = headers.read(name, len(index.rows), head, (channels, bits), **known)
    how = (field, *(reading if any(reading) else ()))
    same, stamp = (digest(part, *how) for part in contents.of_files(files))
    called = _describer(files, index, name)
    notes += said + _captions(index, called, name) + _twice(index, called, name)
    columns, targets = index.rows, tf.constant(labels)

    def fetched(kind: str, rows: tf.Tensor) -> tf.Tensor:
        fetch = lambda rows: np.array([_bytes(files, columns[k], kind) for k in rows], object)  # noqa: E731
        return tf.ensure_shape(tf.numpy_function(fetch, [rows], tf.string, stateful=False), rows.shape)

    def gather(rows: tf.Tensor) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        # Each by a call of its own, so that a graph that needs captions alone reads no images.
        return {kind: fetched(kind, rows) for kind in ("image", "text")}, tf.gather(targets, rows)

    return Source(
        name=name,
        size=len(columns),
        parts={"image": image, "text": Text()},
        read=lambda row: tf.nest.map_structure(lambda x: x[0], gather(row[None])),
        labels=labels,
        classes=classes,
        digest=same,
        describe=called,
        gather=gather,
        stamp=stamp,
        notices=(*notes, *told),
    )


class Index(NamedTuple):
    """rows: int64 [n, 8], see `COLUMNS`. keys: uint64 [n], a hash of each key. tags: int64 [n, 2], where the bytes of
    KEY.cls lie and how many there are, -1 where there are none."""

    rows: np.ndarray
    keys: np.ndarray
    tags: np.ndarray


def _indexed(files: list[str], name: str) -> tuple[Index, set[str], list[str]]:
    """The examples of all shards, how the names of their images end, and sentences about what was left out."""
    rows, keys, tags, ends, notes, bare = array("q"), array("Q"), array("q"), set(), [], []
    for number, path in enumerate(files):
        for key, members in _examples(_members(path, name, notes)):
            images = [suffix for suffix in members if f".{suffix}" in encoded.ALL]
            image = min(images, key=lambda suffix: f".{suffix}" in formats.SUFFIXES, default="")  # .npy may be features
            if not image:
                bare.append(f"{key} of {path}")
                continue
            ends.add(f".{image}")
            spans = [members.get(kind, MISSING)[1:] for kind in (image, "txt", "json")]
            rows.extend((number, min(header for header, _, _ in members.values()), *itertools.chain(*spans)))
            tags.extend(members.get("cls", MISSING)[1:])
            keys.append(int(digest(key), 16))
    if not keys:
        raise ValueError(f"{name}: no images in the {len(files)} shards; members are called KEY.png, KEY.txt, KEY.json")
    notes += _told(name, bare, "keys without an image are left out")
    columns = (np.array(column, np.int64).reshape(len(keys), -1) for column in (rows, tags))
    return Index(next(columns), np.array(keys, np.uint64), next(columns)), ends, notes


def _examples(members: Iterator[Member]) -> Iterator[tuple[str, dict[str, tuple[int, int, int]]]]:
    """(key, {suffix: (header, first byte, bytes)}) of members of one key that follow each other."""
    key, found = "", {}
    for inside, suffix, *place in members:
        if found and (inside != key or suffix in found):
            yield key, found
            found = {}
        key, found[suffix] = inside, tuple(place)
    if found:
        yield key, found


def _members(path: str, name: str, notes: list[str]) -> Iterator[Member]:
    """The files of a shard that are whole. What is amiss with the shard goes into `notes`."""
    for member in tars.members(path, name, notes):
        folder, slash, base = member.name.removeprefix("./").rpartition("/")
        key, dot, suffix = base.partition(".")
        if member.isfile() and key and dot:
            yield folder + slash + key, suffix.lower(), member.offset, member.offset_data, member.size


def _bytes(files: list[str], row: np.ndarray, kind: str) -> bytes:
    """The image, text or metadata ("meta") of an example."""
    at = COLUMNS.index(kind)
    return places.span(files[row[0]], int(row[at]), int(row[at + 1]))


def _labels(files: list[str], index: Index, field: str, name: str) -> tuple[np.ndarray, tuple[str, ...], list[str]]:
    """int32 [n], the names of classes, and sentences about labels that cannot be read."""
    if not field:
        rows = zip(index.rows, index.tags, strict=True)
        said = [places.span(files[row[0]], *map(int, tag)).strip() for row, tag in rows]
        wrong = [k for k, text in enumerate(said) if text and not text.isdigit()]
        labels = np.array([int(text) if text.isdigit() else -1 for text in said], np.int32)
        notes = [f"{name}: {len(wrong):,} of KEY.cls are no whole numbers and count as no label"] if wrong else []
        return labels, (), notes
    values, known = [], {}
    for row in index.rows:
        try:
            found = json.loads(_bytes(files, row, "meta") or b"{}")
        except ValueError:
            found = {}
        known |= found if isinstance(found, dict) and not known else {}
        value = found.get(field) if isinstance(found, dict) else None
        values.append(str(value) if isinstance(value, str | int) else None)
    classes = sorted({value for value in values if value is not None})
    if not classes:
        raise ValueError(f"{name}: no KEY.json has it: {spelling.unknown(field, known, 'the fields there')}")
    number = {value: k for k, value in enumerate(classes)}
    lacking = values.count(None)
    notes = [f"{name}: {lacking:,} of {len(values):,} examples have no {field} and no label"] if lacking else []
    return (
        np.array([number.get(value, -1) for value in values], np.int32),
        tuple(map(contents.printable, classes)),
        notes,
    )


def _describer(files: list[str], index: Index, name: str) -> Callable[[int], str]:
    """index -> KEY of SHARD, read off the header again, so that no keys are kept."""

    def describe(number: int) -> str:
        row = index.rows[int(number)]
        try:
            with places.opened(files[row[0]]) as file, tarfile.open(fileobj=file, mode="r:") as tar:
                file.seek(int(row[1]))
                member = tar.tarinfo.fromtarfile(tar).name
        except (tarfile.TarError, OSError):
            return f"{name}, example {number}"
        folder, slash, base = member.removeprefix("./").rpartition("/")
        return contents.printable(f"{folder}{slash}{base.partition('.')[0]} of {files[row[0]]}")

    return describe


def _captions(index: Index, describe: Callable, name: str) -> list[str]:
    """A sentence about examples without a caption."""
    bare = np.flatnonzero(index.rows[:, COLUMNS.index("text_size")] < 1)
    listed = [describe(k) for k in bare[:3]] + [""] * (len(bare) - 3)
    if len(bare) == len(index.rows):
        raise ValueError(f"{name}: none of the {len(index.rows):,} examples has a caption, a KEY.txt that is not empty")
    return _told(name, listed, "examples have no caption and are replaced as images that cannot be read are")


def _twice(index: Index, describe: Callable, name: str) -> list[str]:
    """A sentence about keys that come twice, as where a shard is listed under two names."""
    order = np.argsort(index.keys, kind="stable")
    again = np.sort(order[1:][index.keys[order][1:] == index.keys[order][:-1]])
    listed = [describe(k) for k in again[:3]] + [""] * (len(again) - 3)
    return _told(name, listed, "keys come again and are examples of their own")


def _told(name: str, found: list[str], what: str) -> list[str]:
    """One sentence that counts and shows the first of what was found."""
    return [f"{name}: {len(found):,} {what}: {', '.join(found[:3])}{', …' * (len(found) > 3)}"] if found else []
