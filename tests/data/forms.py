"""The same pictures in every form that a person may have them in: {path: bytes}, the first folder being the class."""

import io
import json
import os
import tarfile
import zipfile

import numpy as np
import pyarrow as pa
import pytest
import tensorflow as tf
from pyarrow import parquet

os.environ.setdefault("HF_HUB_OFFLINE", "1")
BYTES = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def png(k, channels=3, size=(8, 8)):
    return tf.io.encode_png(np.random.default_rng(k).integers(0, 256, (*size, channels), np.uint8)).numpy()


def pictures(count=23, classes=("ant", "bee", "cat")):
    """In the order of their paths, which is that of a folder."""
    made = {f"{classes[k % len(classes)]}/{k:02d}.png": png(k) for k in range(count)}
    return dict(sorted(made.items()))


def labels(files):
    classes = sorted({path.split("/")[0] for path in files})
    return classes, [classes.index(path.split("/")[0]) for path in files]


def folder(place, files):
    for path, data in files.items():
        (place / "set" / path).parent.mkdir(parents=True, exist_ok=True)
        (place / "set" / path).write_bytes(data)
    return f"folder:{place}/set"


def listed(place, files):
    """The folder with a list that names its files with classes, and one more picture that the list does not name."""
    folder(place, {**files, "ant/other.png": png(99)})
    lines = [f"{path} {path.split('/')[0]}" for path in files]
    (place / "set.txt").write_text("\n".join(lines) + "\n")
    return f"folder:{place}/set?list={place}/set.txt"


def table(place, files):
    folder(place, files)
    rows = [f"set/{path},{path.split('/')[0]}" for path in files]
    (place / "set.csv").write_text("\n".join(["path,label", *rows]) + "\n")
    return f"table:{place}/set.csv"


def zipped(place, files, **options):
    with zipfile.ZipFile(place / "set.zip", "w", **options) as archive:
        for k, (path, data) in enumerate(files.items()):
            info = zipfile.ZipInfo(path, (2020, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED if k % 2 else zipfile.ZIP_STORED
            archive.writestr(info, data)
    return f"zip:{place}/set.zip"


def tarred(place, files, mode="w"):
    with tarfile.open(place / "set.tar", mode) as archive:
        for path, data in files.items():
            info = tarfile.TarInfo(path)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return f"tar:{place}/set.tar"


def arrow(files):
    """A table of these pictures, with what `datasets` notes of its columns."""
    classes, known = labels(files)
    features = {"image": {"_type": "Image"}, "label": {"_type": "ClassLabel", "names": classes}}
    rows = [{"bytes": data, "path": path} for path, data in files.items()]
    schema = pa.schema([("image", BYTES), ("label", pa.int64())])
    schema = schema.with_metadata({b"huggingface": json.dumps({"info": {"features": features}})})
    return pa.table([pa.array(rows, BYTES), pa.array(known, pa.int64())], schema=schema)


def parquets(place, files, **options):
    """Two files of small row groups."""
    made, half = arrow(files), len(files) // 2
    options = dict(row_group_size=5, compression="snappy") | options
    (place / "set").mkdir()
    for k, part in enumerate((made[:half], made[half:])):
        parquet.write_table(part, place / "set" / f"train-{k:05d}-of-00002.parquet", **options)
    return f"parquet:{place}/set"


def hub(place, files):
    parquets(place, files)
    return f"hf:{place}/set"


def saved(place, files):
    datasets = pytest.importorskip("datasets", reason="needs the package datasets, which writes these folders")
    classes, known = labels(files)
    features = datasets.Features(image=datasets.Image(), label=datasets.ClassLabel(names=classes))
    rows = [{"bytes": data, "path": path} for path, data in files.items()]
    made = datasets.Dataset.from_dict({"image": rows, "label": known}, features=features)
    datasets.DatasetDict(train=made, test=made.select([0])).save_to_disk(
        str(place / "set"), num_shards={"train": 2, "test": 1}
    )
    return f"hf:{place}/set?split=train"


FORMS = [folder, listed, table, zipped, tarred, parquets, hub, saved]
