"""Sources from what Hugging Face's `datasets` leaves on a disk: folders of save_to_disk, Parquet files of the hub."""

import json
import os
import re
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from etils import epath

from ssl_jax.checks import spelling
from ssl_jax.data import columns, contents, layout, parquet_source, places, queries
from ssl_jax.data.source import Source

OPTIONS = ("split", *columns.OPTIONS)
REMOTE = 8 * 2**30
"""Bytes of Arrow files behind a network that are held in memory at most; local ones are mapped."""


def hugging_face(text: str, *, channels: int | None = None, bits: int | None = None) -> Source:
    """`DIR[?split=NAME&image=COLUMN&label[s]=COLUMN&target=COLUMN&pages=WAY&key=NAME]`, by the order of files and rows.

    DIR holds what `Dataset.save_to_disk` or `DatasetDict.save_to_disk` wrote, or the Arrow files of the cache of
    `datasets`, as NAME-train.arrow, which are mapped into memory, or the Parquet files of a repository of the hub:
    data/train-00000-of-00005.parquet, train/0000.parquet, or train.parquet.
    Columns are chosen as in `parquet:`. ValueError, in one sentence, for a folder that holds neither, for splits of
    which none is named, and for all that `parquet:` refuses.
    """
    name = f"hf:{contents.printable(text)}"
    place, wanted = queries.parted(text, OPTIONS, name, "hf")
    root, split, asked = epath.Path(place).expanduser(), wanted.pop("split", ""), (channels, bits)
    if not root.is_dir():
        raise ValueError(f"{name}: there is no such folder")
    if (root / "dataset_dict.json").exists():
        splits = _json(root / "dataset_dict.json", name).get("splits", [])
        root, split = root / _split(split, splits, name), ""
    if not (root / "state.json").exists():
        base = os.fspath(root)
        found = places.below(base, ".parquet") or _cached(base)
        if not found:
            raise ValueError(
                f"{name} holds neither what save_to_disk writes (state.json) nor Parquet files; a folder of "
                f"pictures is folder:{place}"
            )
        files = _of_split(found, base, split, name)
        return (_mapped if files[0].endswith(".arrow") else parquet_source.of_files)(name, files, wanted, asked)
    if split:
        raise ValueError(f"{name}: one split was saved there alone; leave out split={split}")
    return _saved(name, root, wanted, asked)


def _json(path: epath.Path, name: str) -> dict:
    try:
        found = json.loads(path.read_text())
    except ValueError as error:
        raise ValueError(f"{name}: {path} is no JSON, so it was not written to its end") from error
    return found if isinstance(found, dict) else {}


def _split(split: str, there: Sequence[str], name: str) -> str:
    """The split that is meant. ValueError where it is not there, or where none of several is named."""
    if split and split not in there:
        raise ValueError(f"{name}: {spelling.unknown(split, there, 'the splits')}")
    if not there:
        raise ValueError(f"{name} names no splits, so it was not written to its end")
    if not split and len(there) != 1:
        option = "&" if "?" in name else "?"
        raise ValueError(f"{name} holds the splits {', '.join(there)}: name one, as in {name}{option}split={there[0]}")
    return split or there[0]


def _cached(root: str) -> list[str]:
    """The Arrow files that the cache of `datasets` has of a set, without those of its transformations."""
    return [path for path in places.below(root, ".arrow") if not os.path.basename(path).startswith(("cache-", "tmp"))]


def _of_split(files: list[str], root: str, split: str, name: str) -> list[str]:
    """The files of one split, by their names or those of their folders."""
    inside = [file[len(root) :].strip("/") for file in files]
    splits = [_split_of(file) for file in inside]
    wanted = _split(split, sorted({*splits}), name)
    rows = [k for k, own in enumerate(splits) if own == wanted]
    homes = {os.path.dirname(inside[k]) for k in rows}
    homes = sorted({os.path.dirname(home) if os.path.basename(home) == wanted else home for home in homes})
    if len(homes) > 1:
        raise ValueError(f"{name} holds the split {wanted} in {', '.join(homes)}: name one of these folders")
    return [files[k] for k in rows]


def _split_of(file: str) -> str:
    """train of data/train-00000-of-00005.parquet, train/0000.parquet, train.parquet, and NAME-train.arrow."""
    folder, (stem, end) = os.path.basename(os.path.dirname(file)), os.path.splitext(os.path.basename(file))
    stem = re.sub(r"-\d+-of-\d+(-[0-9a-f]+)?$", "", stem)
    return folder if folder.lower() in layout.SPLITS else stem.rpartition("-")[2] if end == ".arrow" else stem


def _saved(name: str, root: epath.Path, wanted: dict[str, str], asked: tuple[int | None, int | None]) -> Source:
    """What `Dataset.save_to_disk` wrote: Arrow files, and state.json with their names."""
    state = _json(root / "state.json", name)
    if state.get("_indices_data_files"):
        raise ValueError(
            f"{name}: an earlier version of `datasets` saved an order of its rows beside it: save it again"
        )
    try:
        files = [os.fspath(root / each["filename"]) for each in state["_data_files"]]
    except (KeyError, TypeError) as error:
        raise ValueError(f"{name}: {root}/state.json names no files, so it is none of `datasets`") from error
    return _mapped(name, files, wanted, asked)


def _mapped(name: str, files: list[str], wanted: dict[str, str], asked: tuple[int | None, int | None]) -> Source:
    """Files of Arrow's streaming format."""
    if files and "://" in files[0] and (total := sum(map(contents.size, files))) > REMOTE:
        raise ValueError(f"{name} has {total / 2**30:.0f} GiB of Arrow files, which are read in place from a disk only")
    tables = [_table(file, name) for file in files]
    if not sum(map(len, tables)):
        raise ValueError(f"{name}: there are no rows")
    for part, file in zip(tables, files, strict=True):
        if part.schema != tables[0].schema:
            raise ValueError(f"{name}: {file} has other columns than {files[0]}")
    table = pa.concat_tables(tables)
    chosen = columns.chosen(table.schema, wanted, name)
    column = table.column(chosen.image)
    starts = np.cumsum([0, *map(len, column.chunks)])

    def take(rows: np.ndarray, field: str) -> list:
        chunks = np.searchsorted(starts, rows, side="right") - 1
        found = (column.chunk(int(c))[int(r - starts[c])] for c, r in zip(chunks, rows, strict=True))
        return [each.as_py() if not field else each[field].as_py() if each.is_valid else None for each in found]

    known = columns.Table(name, files, [len(part) for part in tables], table.column, take)
    return columns.source(known, chosen, _missing(column, chosen.inside), asked)


def _missing(column: pa.ChunkedArray, inside: str) -> int:
    """Rows without an image."""
    parts = [chunk.flatten()[chunk.type.get_field_index(inside)] for chunk in column.chunks] if inside else [column]
    return sum(part.null_count for part in parts)


def _table(path: str, name: str) -> pa.Table:
    """All rows, which lie in the file until they are read; of a remote file in memory."""
    try:
        if "://" not in path:
            return pa.ipc.open_stream(pa.memory_map(path)).read_all()
        with places.opened(path) as file:
            return pa.ipc.open_stream(file.read()).read_all()
    except (pa.ArrowException, OSError) as error:
        raise ValueError(f"{name}: {contents.printable(path)} is no Arrow file, or ends early: {error}") from error
