"""Features as Parquet: the one file that needs pyarrow (the extra [parquet])."""

from typing import BinaryIO

import numpy as np
import pyarrow as pa
from pyarrow import parquet


def save(file: BinaryIO, *, features: np.ndarray, labels: np.ndarray) -> None:
    """One row an example: "features", a list of d float32, and "label"."""
    lists = pa.FixedSizeListArray.from_arrays(pa.array(features.ravel()), features.shape[1])
    parquet.write_table(pa.table({"features": lists, "label": pa.array(labels)}), file)
