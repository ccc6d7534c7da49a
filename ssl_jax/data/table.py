"""Images that a CSV table lists, with their classes, or with numbers to be predicted of each: ages, lifetimes, scores.

table:birds.csv?label=species
table:scenes.csv?labels=objects
table:agedb.csv?image=path&target=age&split=train
"""

import csv
import io
import os

import numpy as np
from etils import epath

from ssl_jax.checks import spelling
from ssl_jax.data import contents, folder, headers, labels, lists, queries
from ssl_jax.data.source import Source, digest

OPTIONS = ("image", "label", "labels", "target", "split", "root", *headers.OPTIONS)
PATHS = ("path", "file_name", "filename", "file", "image")
"""What a column of paths is called, where none is named."""
BETWEEN = "|;,"
"""What stands between several classes in a cell: the first of these that any cell has."""


def table(text: str, *, channels: int | None = None, bits: int | None = None, kind: str = "table") -> Source:
    """`FILE.csv[?image=COLUMN&label[s]=COLUMN&target=COLUMN&split=NAME&root=FOLDER]`, in the order of its lines.

    The first line names the columns; commas, semicolons or tabs stand between them. Paths, in the column "path" unless
    another is named, are relative to root, by default the table's folder. The classes are in the column "label", names
    or whole numbers, the numbers to be predicted in "target", where there are such columns or others are named; an
    empty cell is missing. labels=COLUMN, in the place of label, has several classes a cell, "cat|dog"; of "cat|?dog"
    the image does not count for dogs, and an empty cell has no class. Of a split those lines are read whose column
    "split" says it. Channels and bits are as in `folder.folder`, and so are the options pages and key. ValueError, in
    one sentence, for a file or a column that is not there, a target that is no number, a split without images, a path
    that leads out of the root, and where no image is there.
    """
    name = f"{kind}:{contents.printable(text)}"
    place, wanted = queries.parted(text, OPTIONS, name, kind)
    path = epath.Path(place).expanduser()
    if not path.exists() or path.is_dir():
        raise ValueError(f"{name}: there is no such file")
    columns, rows = _read(path, name)
    if {"label", "labels"} <= {*wanted}:
        raise ValueError(f"{name}: label is of images of one class and labels of images of several; leave out one")
    chosen = {key: wanted.get(key) or _meant(key, columns) for key in ("image", "label", "target")}
    chosen |= {"labels": wanted["labels"], "label": ""} if "labels" in wanted else {}
    for column in (*filter(None, chosen.values()), *(["split"] if "split" in wanted else [])):
        if column not in columns:
            raise ValueError(f"{name}: {spelling.unknown(column, columns, 'the columns')} (as its first line says)")
    rows = [(k, row) for k, row in rows if wanted.get("split") in (None, row.get("split"))]
    if not rows:
        raise ValueError(f"{name}: no line has the split {wanted.get('split')!r}")
    root = epath.Path(wanted.get("root", os.path.dirname(os.fspath(path)) or ".")).expanduser()
    said = [row[chosen["label"]] or "" for _, row in rows] if chosen["label"] else [""] * len(rows)
    files = [row[chosen["image"]] or "" for _, row in rows]
    way_out = "name the folder that has all of them, as in root=/"
    listed = lists.files(os.fspath(root), files, said, name, way_out)
    source = folder.of_images(root, name, listed, (channels, bits), headers.reading(wanted, name))
    if "labels" in chosen:
        source = _of_several(source, [row[chosen["labels"]] or "" for _, row in rows], name)
    if not chosen["target"]:
        return source
    targets = np.array([[_number(row[chosen["target"]], f"{name}, line {k}")] for k, row in rows], np.float32)
    same, stamp = (digest(part, targets.tobytes()) for part in (source.digest, source.stamp))
    return source._replace(targets=targets, digest=same, stamp=stamp)


def _of_several(source: Source, cells: list[str], name: str) -> Source:
    """The source with several classes an example."""
    between = next((mark for mark in BETWEEN if any(mark in cell for cell in cells)), BETWEEN[0])
    known, classes = labels.several([cell.split(between) for cell in cells], name)
    same, stamp = (digest(part, known.tobytes(), *classes) for part in (source.digest, source.stamp))
    return source._replace(multi_hot=known, classes=classes, digest=same, stamp=stamp)


def _read(path: epath.Path, name: str) -> tuple[list[str], list[tuple[int, dict]]]:
    """(columns, [(number of the line, {column: cell})])."""
    text = os.fsdecode(path.read_bytes().removeprefix(b"\xef\xbb\xbf"))
    first = text.partition("\n")[0]
    between = max(",;\t", key=first.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=between)
    try:
        columns, rows = [*(reader.fieldnames or [])], [(reader.line_num, row) for row in reader]
    except csv.Error as error:
        raise ValueError(f"{name}: line {reader.line_num} cannot be read: {error}") from error
    if not rows:
        raise ValueError(f"{name}: there are no lines below the first, which names the columns")
    return columns, rows


def _meant(key: str, columns: list[str]) -> str:
    """The column that is meant where none is named; "" for none."""
    known = PATHS if key == "image" else (key,)
    return next((column for column in known if column in columns), "path" if key == "image" else "")


def _number(cell: str | None, where: str) -> float:
    try:
        return float(cell) if (cell or "").strip() else np.nan
    except ValueError as error:
        raise ValueError(f"{where}: the target {cell!r} is no number") from error
