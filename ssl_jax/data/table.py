"""Images that a CSV table lists, with a number to be predicted of each: ages, lifetimes, scores.

    table:agedb.csv?image=path&target=age&split=train

Paths are relative to the table's folder; a column "split" is read where a split is asked for.
"""

import csv
import os

import numpy as np
import tensorflow as tf
from etils import epath

from ssl_jax.checks import spelling
from ssl_jax.data import contents, encoded, queries
from ssl_jax.data.parts import Image
from ssl_jax.data.source import Source, digest
from ssl_jax.views import formats

OPTIONS = {"image": "path", "target": "target", "split": ""}
"""The columns of paths and of targets, and the split that is taken, "" for all."""


def table(text: str, *, channels: int | None = None, bits: int | None = None) -> Source:
    """`FILE.csv[?image=COLUMN&target=COLUMN&split=NAME]`, in the order of its lines; an empty target is missing.

    Images are decoded to 3 channels of 8 bits unless it is said otherwise. ValueError, in one sentence, for a file or a
    column that is not there, a target that is no number, a split without images.
    """
    place, _, query = text.partition("?")
    name, path = f"table:{text}", epath.Path(place).expanduser()
    wanted = OPTIONS | queries.options(query, OPTIONS, name, "table")
    if not path.exists():
        raise ValueError(f"{name}: there is no such file")
    lines = list(csv.DictReader(path.read_bytes().decode(errors="replace").splitlines()))
    columns = list(lines[0]) if lines else []
    for column in (wanted["image"], wanted["target"], *(["split"] if wanted["split"] else [])):
        if column not in columns:
            raise ValueError(f"{name}: {spelling.unknown(column, columns, 'the columns')}")
    rows = [(k, row) for k, row in enumerate(lines, 2) if wanted["split"] in ("", row.get("split"))]
    if not rows:
        raise ValueError(f"{name}: no line has the split {wanted['split']!r}")
    targets = np.array([[_number(row[wanted["target"]], f"{name}, line {k}")] for k, row in rows], np.float32)
    suffixes = {os.path.splitext(row[wanted["image"]] or "")[1].lower() for _, row in rows}
    formats.require(suffixes, name)
    base = os.path.dirname(os.fspath(path))
    files = [os.path.join(base, row[wanted["image"]] or "") for _, row in rows]
    paths = tf.constant([contents.raw(file) for file in files])
    unknown = np.full(len(files), contents.UNKNOWN, np.int64)
    names = [row[wanted["image"]] or "" for _, row in rows]
    same = digest(contents.compared(names, unknown, unknown, files.__getitem__)[0], targets.tobytes())
    return Source(
        name=name,
        size=len(files),
        parts={"image": Image(channels or 3, bits or 8, reading=encoded.read_as(channels or 3, suffixes=suffixes))},
        read=lambda index: (tf.io.read_file(paths[index]), tf.constant(-1)),
        labels=np.full(len(files), -1, np.int32),
        classes=(),
        digest=same,
        describe=lambda index: contents.printable(files[int(index)]),
        targets=targets,
    )


def _number(cell: str | None, where: str) -> float:
    try:
        return float(cell) if (cell or "").strip() else np.nan
    except ValueError as error:
        raise ValueError(f"{where}: the target {cell!r} is no number") from error
