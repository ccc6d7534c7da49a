"""Sources from Parquet files with a column of encoded images, as Hugging Face's hub has them."""

import functools
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from ssl_jax.data import columns, contents, places, queries
from ssl_jax.data.pages import Column
from ssl_jax.data.source import Source

HELD = 512 * 2**20
"""Bytes of images up to which all are read at once and kept: a page of small images takes longer than to decode one."""
THREADS = 16
"""Readers of footers: more than cores, since network file systems answer slowly."""


def parquet_source(text: str, *, channels: int | None = None, bits: int | None = None) -> Source:
    """`PATTERN[?image=COLUMN&label[s]=COLUMN&target=COLUMN&pages=WAY&key=NAME]`, by the order of files and rows.

    PATTERN is a file, a folder of them, or a path with braces or stars. Images are a binary column, or a struct
    with the field "bytes"; labels whole numbers, of which a ClassLabel has the names, or names; labels=COLUMN, in the
    place of label, is one of lists of these, where images have several. pages, key: as in `folder.folder`. Single
    images are read by the pages that they lie in. `columns.chosen` says which columns are meant where none is named.
    ValueError, in one sentence, for a file that is no Parquet or ends early, a column that is not there or has another
    type, and no rows.
    """
    name = f"parquet:{contents.printable(text)}"
    place, wanted = queries.parted(text, columns.OPTIONS, name, "parquet")
    return of_files(name, places.matching(place, name, suffix=".parquet"), wanted, (channels, bits))


def of_files(name: str, files: list[str], wanted: dict[str, str], asked: tuple[int | None, int | None]) -> Source:
    """A source of these files. wanted: columns by `columns.OPTIONS`; asked: channels and bits."""
    with ThreadPoolExecutor(THREADS) as pool:
        footers = list(pool.map(functools.partial(_footer, name=name), files))
    schemas = [footer.schema.to_arrow_schema() for footer in footers]
    chosen = columns.chosen(schemas[0], wanted, name)
    for column in filter(None, (chosen.image, chosen.label, chosen.labels, chosen.target)):
        _alike(schemas, files, column, name)
    size = sum(footer.num_rows for footer in footers)
    if not size:
        raise ValueError(f"{name}: there are no rows in the {len(files)} files")
    inner = chosen.image + (f".{chosen.inside}" if chosen.inside else "")
    images = Column(files, footers, inner)
    paths = Column(files, footers, f"{chosen.image}.{chosen.path}") if chosen.path else None
    small = sum(stop - start for start, stop in images.spans) <= HELD
    held = images.take(np.arange(size)) if small else None

    def take(rows: np.ndarray, field: str) -> list[bytes | None]:
        if field != chosen.inside:
            return paths.take(rows)
        return images.take(rows) if held is None else [held[row] for row in rows]

    table = columns.Table(name, files, [f.num_rows for f in footers], lambda c: _whole(files, c, name), take)
    return columns.source(table, chosen, _missing(footers, inner), asked)


def _footer(path: str, name: str) -> parquet.FileMetaData:
    try:
        with places.opened(path) as file:
            return parquet.read_metadata(file)
    except (pa.ArrowException, OSError) as error:
        said = f"{name}: {contents.printable(path)} is no Parquet file, or ends early: its footer cannot be read"
        raise ValueError(said) from error


def _alike(schemas: list[pa.Schema], files: list[str], column: str, name: str) -> None:
    """ValueError where a column is not the same in all files."""
    first = schemas[0].field(column).type
    for schema, file in zip(schemas, files, strict=True):
        found = schema.field(column).type if column in schema.names else "not there"
        if found != first:
            raise ValueError(f"{name}: the column {column!r} is {found} in {file} and {first} in {files[0]}")


def _whole(files: list[str], column: str, name: str) -> pa.ChunkedArray:
    """A small column, read as a whole."""
    parts = []
    for path in files:
        try:
            with places.opened(path) as file:
                parts.append(parquet.ParquetFile(file).read(columns=[column]).column(0))
        except (pa.ArrowException, OSError) as error:
            raise ValueError(f"{name}: the column {column!r} of {path} cannot be read: {error}") from error
    return pa.chunked_array([chunk for part in parts for chunk in part.chunks], type=parts[0].type)


def _missing(footers: list[parquet.FileMetaData], path: str) -> int:
    """Images that are null, as far as the statistics say."""
    number = [footers[0].schema.column(k).path for k in range(footers[0].num_columns)].index(path)
    chunks = [f.row_group(g).column(number).statistics for f in footers for g in range(f.num_row_groups)]
    return sum(chunk.null_count for chunk in chunks if chunk is not None and chunk.has_null_count)
