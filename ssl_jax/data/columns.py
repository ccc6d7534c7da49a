"""Which columns of a table of Arrow hold the images, the labels and the numbers to be predicted."""

import json
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from ssl_jax.checks import spelling
from ssl_jax.data import contents, headers, labels
from ssl_jax.data.contents import printable
from ssl_jax.data.source import Source, digest
from ssl_jax.data.stored import stored
from ssl_jax.views.formats import Reading

NAMED = ("image", "label", "labels", "target")
"""The columns that can be named."""
OPTIONS = (*NAMED, *headers.OPTIONS)


class Columns(NamedTuple):
    """image: the column of images, or a struct of them; inside: its field of bytes, "" where it is bytes itself; path:
    the field of paths, or "". label, labels, target: columns, "" for none; labels is one of lists. classes: the names
    of labels. notes: sentences. reading: how files of several images are read."""

    image: str
    inside: str
    path: str
    label: str
    labels: str
    target: str
    classes: tuple[str, ...]
    notes: tuple[str, ...]
    reading: Reading


def chosen(schema: pa.Schema, wanted: dict[str, str], name: str) -> Columns:
    """The columns that `wanted` names, by NAMED, and those that are plainly meant.

    Images are binary, or a struct with a binary field "bytes", as Hugging Face's `datasets` writes them. Without a name
    it is the only such column, or the one called "image"; the label is the only ClassLabel, or a column "label". Raises
    ValueError, which begins with `name`, for a column that is not there, and where none or several could be meant.
    """
    features = _features(schema)
    every = [field.name for field in schema if _holds_images(field.type)]
    notes = []
    image = wanted.get("image") or _image(every, features, name, schema, notes)
    for column in (image, *(wanted[key] for key in NAMED[1:] if key in wanted)):
        if column not in schema.names:
            raise ValueError(f"{name}: {spelling.unknown(column, schema.names, 'the columns')}")
    kind = schema.field(image).type
    if image not in every:
        raise ValueError(f"{name}: the column {image!r} is {kind}, which holds no encoded images (bytes of files)")
    if {"label", "labels"} <= {*wanted}:
        raise ValueError(f"{name}: label is of images of one class and labels of images of several; leave out one")
    several = wanted.get("labels", "")
    label = "" if several else wanted.get("label") or _label(schema, features, name, notes)
    feature = features.get(several, {}).get("feature", {}) if several else features.get(label, {}) if label else {}
    names = feature.get("names") or ()
    struct = pa.types.is_struct(kind)
    path = "path" if struct and any(kind.field(k).name == "path" for k in range(kind.num_fields)) else ""
    classes = tuple(printable(str(each)) for each in names)
    target, reading = wanted.get("target", ""), headers.reading(wanted, name)
    return Columns(image, "bytes" if struct else "", path, label, several, target, classes, tuple(notes), reading)


def _features(schema: pa.Schema) -> dict[str, dict]:
    """What Hugging Face's `datasets` notes of the columns; {} where another program wrote the table."""
    try:
        said = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
        features = said.get("info", {}).get("features", {})
    except (ValueError, AttributeError):
        return {}
    return {name: each for name, each in features.items() if isinstance(each, dict)}


def _holds_images(kind: pa.DataType) -> bool:
    """Whether a column is bytes, or a struct with a field of bytes."""
    if pa.types.is_struct(kind):
        kind = next((kind.field(k).type for k in range(kind.num_fields) if kind.field(k).name == "bytes"), pa.null())
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind)


def _image(every: list[str], features: dict, name: str, schema: pa.Schema, notes: list[str]) -> str:
    found = [column for column in every if features.get(column, {}).get("_type") == "Image"] or every
    if not found:
        columns = ", ".join(f"{field.name} ({field.type})" for field in schema)
        raise ValueError(f"{name}: no column holds encoded images (bytes of files); there are {columns}")
    if len(found) == 1:
        return found[0]
    if "image" not in found:
        raise ValueError(
            f"{name}: the columns {', '.join(found)} may all hold images: name one, as in image={found[0]}"
        )
    others = ", ".join(column for column in found if column != "image")
    notes.append(f"{name}: images are read from the column 'image'; there are also {others} (image=COLUMN takes one)")
    return "image"


def _label(schema: pa.Schema, features: dict, name: str, notes: list[str]) -> str:
    if "label" in schema.names:
        if _names_classes(kind := schema.field("label").type):
            return "label"
        notes.append(f"{name}: the column 'label' is {kind}, neither whole numbers nor names, and is not read")
        return ""
    found = [column for column in schema.names if features.get(column, {}).get("_type") == "ClassLabel"]
    if len(found) > 1:
        several = ", ".join(found)
        notes.append(f"{name}: {several} are labels; none is read unless it is named, as in label={found[0]}")
    return found[0] if len(found) == 1 else ""


def _names_classes(kind: pa.DataType) -> bool:
    kind, is_a = kind.value_type if pa.types.is_dictionary(kind) else kind, pa.types
    return is_a.is_integer(kind) or is_a.is_boolean(kind) or is_a.is_string(kind) or is_a.is_large_string(kind)


def _labeled(column: pa.ChunkedArray, chosen: Columns, name: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """(labels int32 [n], names of classes) of the column of labels. Raises ValueError where it holds none."""
    what, column = f"{name}: the column {chosen.label!r}", _decoded(column)
    if not _names_classes(column.type):
        raise ValueError(
            f"{what} is {column.type}; labels are whole numbers or names, numbers to predict are target=COLUMN"
        )
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    if pa.types.is_integer(column.type):
        column = column.cast(pa.int64(), safe=False).fill_null(-1)
        found = labels.within(column.to_numpy(), what)
        if chosen.classes and found.max(initial=-1) >= len(chosen.classes):
            raise ValueError(f"{what} has the label {found.max()} and names for {len(chosen.classes)} classes")
        return found, chosen.classes
    return labels.numbered(column.to_pylist(), what)


def _several(column: pa.ChunkedArray, chosen: Columns, name: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """(`Source.multi_hot`, names of classes) of a column of lists. Raises ValueError where it holds none."""
    what, kind, is_a = f"{name}: the column {chosen.labels!r}", column.type, pa.types
    lists = is_a.is_list(kind) or is_a.is_large_list(kind) or is_a.is_fixed_size_list(kind)
    if not (lists and _names_classes(kind.value_type)) or is_a.is_boolean(kind.value_type):
        raise ValueError(f"{what} is {kind}; labels=COLUMN is of lists of whole numbers or names, label=COLUMN of one")
    return labels.several(column.to_pylist(), what, chosen.classes)


def _numbers(column: pa.ChunkedArray, chosen: Columns, name: str) -> np.ndarray:
    """The numbers to be predicted, float32 [n, 1], NaN where one is missing. Raises ValueError for another type."""
    column = _decoded(column)
    if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type) or pa.types.is_decimal(column.type)):
        raise ValueError(f"{name}: the column {chosen.target!r} is {column.type}, which is no number to predict")
    return column.cast(pa.float64(), safe=False).fill_null(np.nan).to_numpy().astype(np.float32)[:, None]


def _decoded(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column


class Table(NamedTuple):
    """Rows in files, in order. counts: of each file; column: a name -> all of it; take: (int64 [k], field of the
    column of images, or "") -> k values, None for one that is not there."""

    name: str
    files: Sequence[str]
    counts: Sequence[int]
    column: Callable[[str], pa.ChunkedArray]
    take: Callable[[np.ndarray, str], list]


def source(table: Table, chosen: Columns, missing: int, asked: tuple[int | None, int | None]) -> Source:
    """The source of a table. missing: rows without an image, as far as is known. asked: channels and bits."""
    name, ends = table.name, np.cumsum(table.counts)
    size = int(ends[-1])
    notes = [*chosen.notes, *_without(missing, size, chosen, name)]
    found, classes = np.full(size, -1, np.int32), ()
    if chosen.label:
        found, classes = _labeled(table.column(chosen.label), chosen, name)
    several = None
    if chosen.labels:
        several, classes = _several(table.column(chosen.labels), chosen, name)
    targets = _numbers(table.column(chosen.target), chosen, name) if chosen.target else None
    fetch = lambda rows: [each or b"" for each in table.take(rows, chosen.inside)]  # noqa: E731

    def names(rows: Sequence[int]) -> list[str]:
        paths = table.take(np.asarray(rows, np.int64), chosen.path) if chosen.path else [None] * len(rows)
        return [_called(path, k, table.files, ends) for path, k in zip(paths, rows, strict=True)]

    head = lambda k, _: fetch(np.array([k]))[0]  # noqa: E731
    most = headers.REMOTE if "://" in table.files[0] else headers.FEW
    image, told = headers.read(name, size, head, asked, most=most, noun="images", how=chosen.reading)
    named = (chosen.image, chosen.label, *((chosen.labels,) if chosen.labels else ()), chosen.target)
    said = (*named, *classes, *(chosen.reading if any(chosen.reading) else ()))
    identity = tuple(digest(part, *said) for part in contents.of_files(table.files))
    known = dict(labels=found, classes=classes, targets=targets, multi_hot=several, image=image, identity=identity)
    return stored(name, fetch, names, notices=[*notes, *told], **known)


def _without(missing: int, size: int, chosen: Columns, name: str) -> list[str]:
    """A sentence about rows without an image. Raises ValueError where no row has one."""
    if not missing:
        return []
    if missing == size:
        said = f"{name}: the column {chosen.image!r} has no images"
        way_out = ", only paths of files: write the files in, or list them in a table (table:FILE.csv)"
        raise ValueError(said + (way_out if chosen.path else ""))
    many = f"{missing:,} of the {size:,} rows have no image"
    return [f"{name}: {many} in {chosen.image!r} and are replaced as images that cannot be read are"]


def _called(path: bytes | str | None, row: int, files: Sequence[str], ends: np.ndarray) -> str:
    """What a person calls a row: its path, and where it lies. ends: the rows up to the end of each file."""
    file = int(np.searchsorted(ends, row, side="right"))
    where = f"row {row - (int(ends[file - 1]) if file else 0)} of {printable(files[file])}"
    return f"{printable(path)}, {where}" if path else where
