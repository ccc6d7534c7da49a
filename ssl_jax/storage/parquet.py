"""Features and other tables as Parquet: the one file that needs pyarrow (the extra [parquet])."""

from typing import BinaryIO

import numpy as np
import pyarrow as pa
from pyarrow import parquet

ABOUT = b"ssl_jax"
"""Where a file has `about` in the metadata of its schema."""


def save(
    file: BinaryIO,
    *,
    features: np.ndarray,
    labels: np.ndarray,
    valid: np.ndarray,
    index: np.ndarray,
    path: np.ndarray,
    about: str,
) -> None:
    """One row an example: "index", "path", "label", "valid", and "features", a list of d float32."""
    columns = {"index": index, "path": path, "label": labels, "valid": valid, "features": features}
    parquet.write_table(_table(columns).replace_schema_metadata({ABOUT: about}), file)


def write(file: BinaryIO, columns: dict[str, np.ndarray]) -> None:
    """Columns [n], and columns [n, k] as lists of k."""
    parquet.write_table(_table(columns), file)


def _table(columns: dict[str, np.ndarray]) -> pa.Table:
    lists = lambda x: pa.FixedSizeListArray.from_arrays(pa.array(x.ravel()), x.shape[1])  # noqa: E731
    return pa.table({name: pa.array(x) if x.ndim == 1 else lists(x) for name, x in columns.items()})


def load(file: BinaryIO) -> dict[str, np.ndarray | str]:
    """What was given to `save`. Raises ValueError for a file that is none of its."""
    try:
        table = parquet.read_table(file)
        about = (table.schema.metadata or {})[ABOUT].decode()
    except (pa.ArrowInvalid, KeyError) as error:
        raise ValueError(f"no Parquet file with features: {error}") from error
    columns = {name: table[name].to_numpy() for name in ("index", "valid")}
    features = table["features"].combine_chunks().flatten().to_numpy().reshape(len(table), -1)
    path, labels = np.array(table["path"].to_pylist(), np.str_), table["label"].to_numpy()
    return {**columns, "features": features, "labels": labels, "path": path, "about": about}
