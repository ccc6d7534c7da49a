"""Sources from ArrayRecord files: our own converted format, and any other whose records are tf.train.Examples.

A converted dataset is a folder of shards `NNNNN-of-NNNNN.arrayrecord` (group_size:1, for random access) and a
`manifest.json`. Each record is a tf.train.Example with `image` (bytes: one encoded image, where it has other channels
than 1, 3 or 4 an array as numpy writes it), `label` (int64, -1 for none) and `name` (bytes: what the image was called
at its origin). The manifest holds the classes, channels, bits,
the labels in order, the digest and stamp of the origin, a digest of the examples that were written (`content`), and the
images that were left out because they were corrupt.
"""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from etils import epath

from ssl_jax.data import contents, encoded
from ssl_jax.data.parts import Image
from ssl_jax.data.source import Source, digest
from ssl_jax.views import formats

try:
    from array_record.python import array_record_data_source, array_record_module
except ImportError:
    # There are no wheels for some platforms, on which everything else still works.
    array_record_data_source = array_record_module = None


PROBES = 256
"""Records without a manifest whose headers are read, at most."""


def require(name: str) -> None:
    """ValueError, naming the package, where ArrayRecord files cannot be read on this machine."""
    if array_record_module is None:
        raise ValueError(f"{name} needs the package array_record (pip install array_record), which cannot be imported")


def arrayrecord(pattern: str, *, channels: int | None = None, bits: int | None = None) -> Source:
    """A source from a folder of ArrayRecord files or a pattern such as /data/train*.arrayrecord.

    Beside a manifest that lists just these files everything about them is known. Of some of the files that one lists
    labels are known only by reading; without a manifest so are classes, and channels and bits that are None are what
    256 records have in common. ValueError where there are no files.
    """
    name = f"arrayrecord:{pattern}"
    require(name)
    if "://" in pattern:
        raise ValueError(
            f"{name}: ArrayRecord files are read from local paths only; mount the bucket and name its path"
        )
    files = _files(pattern, name)
    path = epath.Path(files[0]).parent / "manifest.json"
    manifest = json.loads(path.read_text()) if path.exists() else {}
    data = array_record_data_source.ArrayRecordDataSource(files)
    names, listed = [epath.Path(file).name for file in files], manifest.get("files", [])
    whole, known = bool(listed) and names == listed, set(names) <= set(listed)
    if len(data) and not known:
        found = _common(data)
        manifest = {"classes": (), "channels": found[0], "bits": found[1]}
    if not len(data) or (whole and len(data) != len(manifest["labels"])):
        raise ValueError(f"{name}: {len(data)} records in {len(files)} files; convert the dataset again")
    labels = np.asarray(manifest["labels"], np.int32) if whole else None
    # Manifests of earlier versions have no digest of the content.
    noted = (manifest.get("content", ""), b"" if labels is None else labels.tobytes(), *manifest["classes"])
    same, stamp = (digest(part, *noted) for part in contents.of_files(files))
    width = channels or manifest["channels"]
    if known and width not in formats.MODES and width != manifest["channels"]:
        raise ValueError(f"{name}: {width} channels cannot be read, since the records have {manifest['channels']}")
    made = examples(
        name,
        data,
        identity=(same, stamp),
        labels=labels,
        classes=tuple(manifest["classes"]),
        image=Image(width, bits or manifest["bits"], reading=encoded.read_as(width)),
    )
    sampled = not known and len(data) > PROBES and not (channels and bits)
    said = f"{name}: channels and bits are those of {PROBES} of {len(data):,} records; all are read as "
    said += f"{made.image.channels} channels of {made.image.bits} bits; data.channels and data.bits say otherwise"
    return made._replace(notices=(said,)) if sampled else made


def _common(data: Any) -> tuple[int, int]:
    """(channels, bits) that records spread over all of them have in common."""
    steps = sorted({round(step) for step in np.linspace(0, len(data) - 1, min(PROBES, len(data)))})
    rows = (tf.train.Example.FromString(row).features.feature["image"] for row in data.__getitems__(steps))
    return encoded.common([encoded.header(row.bytes_list.value[0]) for row in rows])


def _files(pattern: str, name: str) -> list[str]:
    path = epath.Path(pattern).expanduser()
    path = path / "*.arrayrecord" if path.is_dir() else path
    files = sorted(tf.io.gfile.glob(str(path)))
    if not files:
        raise ValueError(f"{name}: no file matches {path}")
    return files


def examples(
    name: str,
    data: Any,
    *,
    identity: tuple[str, str],
    labels: np.ndarray | None,
    classes: tuple[str, ...],
    image: Image,
    keys: tuple[str, str] = ("image", "label"),
) -> Source:
    """A source from an object whose `__getitems__` gives records that are tf.train.Examples.

    identity: the digest and the stamp. keys: of the encoded image and of the label, "" for none. The rest is as in
    `Source`.
    """
    features = {keys[0]: tf.io.FixedLenFeature([], tf.string)}
    if keys[1]:
        features[keys[1]] = tf.io.FixedLenFeature([], tf.int64, -1)

    # Where a record is damaged, an example with an empty image, which counts as one that cannot be decoded.
    empty = tf.train.Example(features=tf.train.Features(feature={keys[0]: _bytes(b"")})).SerializeToString()

    def fetch(indices: np.ndarray) -> np.ndarray:
        return np.array([empty if record is None else record for record in _records(data, indices)], object)

    def gather(index: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        records = tf.numpy_function(fetch, [index], tf.string, stateful=False)
        records.set_shape(index.shape)
        row = tf.io.parse_example(records, features)
        label = tf.cast(row[keys[1]], tf.int32) if keys[1] else tf.fill(tf.shape(index), -1)
        return row[keys[0]], label

    def read(index: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return tf.nest.map_structure(lambda x: x[0], gather(index[None]))

    return Source(
        name=name,
        size=len(data),
        parts={"image": image},
        read=read,
        labels=labels,
        classes=classes,
        digest=identity[0],
        describe=lambda index: _called(name, data, [index])[0],
        names=lambda indices: _called(name, data, indices),
        gather=gather,
        stamp=identity[1],
    )


def _bytes(value: bytes) -> tf.train.Feature:
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))


def _records(data: Any, indices: Sequence[int]) -> list[bytes | None]:
    """Records, None for a damaged one: the reader gives all of one call or none."""
    try:
        return data.__getitems__([int(i) for i in indices])
    except (RuntimeError, OSError):
        if len(indices) == 1:
            return [None]
        return [record for index in indices for record in _records(data, [index])]


def _called(name: str, data: Any, indices: Sequence[int]) -> list[str]:
    """For each record the name that it carries, else its number alone."""
    names = [
        tf.train.Example.FromString(r or b"").features.feature["name"].bytes_list.value for r in _records(data, indices)
    ]
    return [
        f"{name}, example {i}" + (f" ({contents.printable(own[0])})" if own else "")
        for i, own in zip(indices, names, strict=True)
    ]
