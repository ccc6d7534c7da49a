"""Sources from tensorflow_datasets: TFRecord sets held in memory as encoded bytes, ArrayRecord sets in place."""

import logging
import math
import os
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from etils import epath

from ssl_jax.checks import spelling
from ssl_jax.data import contents, encoded, records
from ssl_jax.data.memory import decoded
from ssl_jax.data.parts import Image
from ssl_jax.data.source import Source, digest
from ssl_jax.views import decoding

MEMORY = 8 * 2**30
"""Bytes of TFRecord data that are held in memory at most; such files have no random access."""
DECODED, SIDE = 512 * 2**20, 64
"""Images of one known size, at most this many pixels long, are held decoded if that takes at most so many bytes:
decoding 32 x 32 pixels takes longer than making two views of them."""
HARD = "_no_difficult"
"""Behind a key of several labels: the key of those that VOC counts, since the objects are not hard to see."""
# tensorflow_datasets asks its own features for this when it leaves images encoded, and tells the user to change that.
logging.getLogger("absl").addFilter(lambda record: "FeatureConnector.dtype" not in record.getMessage())


def tfds_source(
    text: str, *, data_dir: str | None = None, channels: int | None = None, bits: int | None = None, scan: bool = False
) -> Source:
    """`NAME[/CONFIG][/SPLIT]`, for example cifar10, cifar10/test, cifar10/train[:1000]; the split is train by default.

    Labels are a ClassLabel, or a sequence of them, as "labels" of voc/2007, where images have several.

    data_dir: where it was prepared; by default TFDS_DATA_DIR, else ~/tensorflow_datasets. With `scan` nothing is
    loaded: the source can only be read in order, whatever its size. ValueError for an unknown name or split, a set
    that is not prepared, has no images, or is larger than 8 GiB in TFRecord format.
    """
    data_dir = data_dir or os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets"
    builder, split = _find(text, data_dir)
    name = f"tfds:{text}" if text.endswith(split) else f"tfds:{text}/{split}"
    size = _examples(builder, split, name)
    image, label = _keys(builder.info, name)
    several = "" if label or scan else _several(builder.info)
    feature = builder.info.features[image]
    card = {
        "classes": tuple(builder.info.features[label].names or ()) if label else (),
    }
    own_bits = 16 if feature.np_dtype == np.uint16 else 8
    picture = Image(channels or feature.shape[-1] or 3, bits or own_bits, tuple(feature.shape[:2]))
    identity = _identity(builder.info, split, card["classes"])
    if builder.info.file_format == tfds.core.FileFormat.ARRAY_RECORD:
        records.require(name)
        raw = tfds.decode.DeserializeMethod.RAW_BYTES
        data = builder.as_data_source(split=split, deserialize_method=raw)
        known = dict(identity=identity, labels=None, image=picture, keys=(image, label), **card)
        source = records.examples(name, data, **known)
        return _with_several(source, builder, split, (image, several)) if several else source
    card["digest"], card["stamp"] = identity
    card["describe"] = lambda index: f"{name}, example {index}"
    if scan:
        rows = _scan(builder, split, image, label)
        return Source(name=name, size=size, parts={"image": picture}, read=None, labels=None, scan=rows, **card)
    source = _held(name, builder, split, (image, label), picture, card)
    return _with_several(source, builder, split, (image, several)) if several else source


def _several(info: Any) -> str:
    """The key of several labels an image, "labels" where there are more of them; "" for none."""
    lists = [key for key, each in info.features.items() if isinstance(each, tfds.features.Sequence)]
    found = [key for key in lists if isinstance(info.features[key].feature, tfds.features.ClassLabel)]
    return "labels" if "labels" in found else found[0] if len(found) == 1 else ""


def _with_several(source: Source, builder: Any, split: str, named: tuple[str, str]) -> Source:
    """The source with the labels that each image has; those that `HARD` lacks do not count for it. named: the keys of
    the image and of the labels."""
    (image, key), features = named, builder.info.features
    keys = [key, *([key + HARD] if key + HARD in features else [])]
    if builder.info.file_format == tfds.core.FileFormat.ARRAY_RECORD:
        rows = builder.as_data_source(split=split, decoders={image: tfds.decode.SkipDecoding()})
    else:
        decoders = tfds.decode.PartialDecoding(dict.fromkeys(keys, True))
        known = dict(decoders=decoders, shuffle_files=False, read_config=_in_order())
        rows = tfds.as_numpy(builder.as_dataset(split=split, **known))
    classes = tuple(features[key].feature.names)
    known = np.zeros((source.size, len(classes)), np.int8)
    for row, said in zip(known, rows, strict=True):
        row[said[key]] = 1 if len(keys) == 1 else -1
        row[said[keys[-1]]] = 1
    return source._replace(multi_hot=known, classes=classes, labels=np.full(source.size, -1, np.int32))


def _identity(info: Any, split: str, classes: tuple[str, ...]) -> tuple[str, str]:
    """(digest, stamp) of the files that the split is in, and of what is read from them."""
    files = sorted({instruction.filename for instruction in info.splits[split].file_instructions})
    return tuple(digest(part, info.full_name, split, *classes) for part in contents.of_files(files))


def _held(name: str, builder: Any, split: str, keys: tuple[str, str], image: Image, card: dict) -> Source:
    """A TFRecord split, read once into a string tensor."""
    total = builder.info.splits[split].num_bytes
    if total > MEMORY:
        raise ValueError(
            f"{name} is {total / 2**30:.0f} GiB of TFRecord files, which have no random access, and more than the "
            f"{MEMORY / 2**30:.0f} GiB that are held in memory: convert it once with `ssl-jax data convert {name} "
            "--to=arrayrecord:DIR` and train on arrayrecord:DIR"
        )
    blocks = list(_dataset(builder, split, *keys).batch(1024))
    data, targets = (tf.concat(parts, 0) for parts in zip(*blocks, strict=True))
    source = Source(
        name=name,
        size=int(targets.shape[0]),
        parts={"image": image._replace(plain=_all_plain(data, image))},
        read=lambda index: (data[index], targets[index]),
        labels=targets.numpy(),
        **card,
    )
    known = None not in image.shape and max(image.shape) <= SIDE
    small = known and source.size * math.prod(image.shape) * image.channels * image.bits // 8 <= DECODED
    return decoded(source) if small else source


def _all_plain(data: tf.Tensor, image: Image) -> bool:
    dtype = encoded.dtype_of(image.bits)
    parts = (data[k : k + 4096] for k in range(0, int(data.shape[0]), 4096))
    check = lambda part: decoding.is_plain(part, channels=image.channels, dtype=dtype, exact=True)  # noqa: E731
    return all(bool(tf.reduce_all(check(part))) for part in parts)


def _find(text: str, data_dir: str) -> tuple[Any, str]:
    """The builder and the split. The last part is the split unless only the whole names a dataset."""
    name, _, split = text.rpartition("/")
    base = split.partition("[")[0]
    options = [(name, split), (text, "train")] if name else [(text, "train")]
    for candidate, part in options:
        builder = _builder(candidate, data_dir)
        if builder is not None and (candidate == text or base in builder.info.splits or "+" in split):
            return builder, part
    if name and _builder(name, data_dir) is not None:
        return _builder(name, data_dir), split
    raise ValueError(_unknown(name or text, data_dir))


def _builder(name: str, data_dir: str) -> Any:
    try:
        return tfds.builder(name, data_dir=os.path.expanduser(data_dir), try_gcs=False)
    except (tfds.core.DatasetNotFoundError, ValueError):
        return None


def _unknown(name: str, data_dir: str) -> str:
    root = epath.Path(data_dir).expanduser()
    there = sorted(path.name for path in root.iterdir() if path.is_dir()) if root.is_dir() else []
    base, known = name.partition("/")[0], tfds.list_builders(with_community_datasets=False)
    found = ", ".join(there) if there else "nothing"
    return f"{spelling.unknown(base, {*there, *known}, 'tensorflow_datasets')} (prepared in {root}: {found})"


def _examples(builder: Any, split: str, name: str) -> int:
    """The number of examples of the split; ValueError where the set is not prepared or the split is wrong or empty."""
    splits = builder.info.splits
    if not splits:
        whole = builder.info.full_name.rpartition("/")[0]  # its configuration with it
        raise ValueError(
            f"{name} is not prepared in {os.path.dirname(builder.data_dir.rstrip('/'))}: run `tfds build "
            f"{whole} --data_dir=DIR` where there is a network, and name DIR as the data directory"
        )
    try:
        size = splits[split].num_examples
    except (ValueError, KeyError) as error:
        names = ", ".join(f"{key} ({value.num_examples})" for key, value in sorted(splits.items()))
        raise ValueError(f"{name}: no split {split!r}; there are {names} and their slices, as train[:1000]") from error
    if not size:
        raise ValueError(f"{name}: the split is empty")
    return size


def _keys(info: Any, name: str) -> tuple[str, str]:
    """The keys of the image and of the label, "" for none: the supervised ones, else the first of their kind."""
    order = [key for key in (info.supervised_keys or ()) if isinstance(key, str)] + list(info.features)
    images = [key for key in order if isinstance(info.features[key], tfds.features.Image)]
    labels = [key for key in order if isinstance(info.features[key], tfds.features.ClassLabel)]
    if not images:
        raise ValueError(f"{name} has no image among its features, which are {', '.join(info.features)}")
    if info.features[images[0]].np_dtype not in (np.uint8, np.uint16):
        kind = np.dtype(info.features[images[0]].np_dtype)
        raise ValueError(f"{name}: the images of {images[0]!r} are {kind}; only uint8 and uint16 are read")
    return images[0], labels[0] if labels else ""


def _dataset(builder: Any, split: str, image: str, label: str) -> tf.data.Dataset:
    """(encoded image, int32 label) in the order of the files."""
    wanted = {image: True, label: True} if label else {image: True}
    partial = tfds.decode.PartialDecoding(wanted, decoders={image: tfds.decode.SkipDecoding()})
    rows = builder.as_dataset(split=split, decoders=partial, shuffle_files=False, read_config=_in_order())
    return rows.map(lambda row: (row[image], tf.cast(row[label], tf.int32) if label else tf.constant(-1)))


def _in_order() -> tfds.ReadConfig:
    return tfds.ReadConfig(interleave_cycle_length=1, try_autocache=False)


def _scan(builder: Any, split: str, image: str, label: str) -> Any:
    """(start, stop) -> those examples of the split, without reading the ones before them."""
    parts = tfds.core.ReadInstruction.from_spec(split).to_absolute(builder.info.splits)
    spans = [(p.splitname, p.from_ or 0, p.to or builder.info.splits[p.splitname].num_examples) for p in parts]

    def rows(start: int, stop: int) -> tf.data.Dataset:
        pieces, before = [], 0
        for name, first, last in spans:
            low, high = max(first, first + start - before), min(last, first + stop - before)
            pieces += [f"{name}[{low}:{high}]"] if low < high else []
            before += last - first
        return _dataset(builder, "+".join(pieces), image, label)

    return rows
