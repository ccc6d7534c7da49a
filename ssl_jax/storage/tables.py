"""Tables as files, a row an example, by the ending of their name: .csv, .npz or .parquet."""

import csv
import functools
import importlib
import io
from types import ModuleType
from typing import BinaryIO

import numpy as np
from etils import epath

from ssl_jax.storage import files

KINDS = ("csv", "npz", "parquet")


def write(path: epath.Path, columns: dict[str, np.ndarray]) -> None:
    """Columns [n] or [n, k] by name; of a CSV a column [n, k] becomes k, NAME_1 to NAME_k, and NaN an empty cell.

    Raises ValueError for another ending, and where a package is missing.
    """
    files.save(path, functools.partial(_writer(path), columns=columns))


def check(path: epath.Path) -> None:
    """Raises ValueError where `write` would, for its ending."""
    _writer(path)


def _writer(path: epath.Path):
    if path.suffix == ".csv":
        return _csv
    if path.suffix == ".npz":
        return lambda file, columns: np.savez(file, **columns)
    if path.suffix != ".parquet":
        raise ValueError(f"{path}: tables are written as .{', .'.join(KINDS)}")
    return parquet(path).write


def parquet(path: epath.Path) -> ModuleType:
    """`storage.parquet`. Raises ValueError where it cannot be, since its package is missing."""
    try:
        return importlib.import_module("ssl_jax.storage.parquet")
    except ModuleNotFoundError as error:
        raise ValueError(f"{path.name} is written with {error.name}: pip install 'ssl_jax[parquet]'") from error


def _csv(file: BinaryIO, columns: dict[str, np.ndarray]) -> None:
    names, parts = [], []
    for name, column in columns.items():
        wide = column[:, None] if column.ndim == 1 else column
        names += [name] if column.ndim == 1 else [f"{name}_{k + 1}" for k in range(wide.shape[1])]
        parts += [_cells(wide[:, k]) for k in range(wide.shape[1])]
    text = io.TextIOWrapper(file, "utf-8", "backslashreplace", newline="", write_through=True)
    writer = csv.writer(text)
    writer.writerow(names)
    writer.writerows(zip(*parts, strict=True))
    text.detach()


def _cells(column: np.ndarray) -> list:
    """Six digits that count of fractions."""
    if column.dtype.kind != "f":
        return column.tolist()
    return ["" if value != value else f"{value:.6g}" for value in column.tolist()]
