"""Any source -> ArrayRecord shards, which have random access at any size (the format is told in `records.py`)."""

import itertools
import json
import os
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf
from etils import epath
from rich.console import Console
from rich.progress import Progress

from ssl_jax.data import check, encoded, records
from ssl_jax.data.source import Source, digest, in_order, read_raw
from ssl_jax.process.machine import cores
from ssl_jax.storage import files
from ssl_jax.views import arrays, formats

CHUNK = 32
QUALITY = 95


def convert(
    source: Source,
    path: str,
    *,
    short_side: int | None = None,
    per_shard: int = 4096,
    console: Console | None = None,
    threads: int | None = None,
) -> dict[str, Any]:
    """Write the source to the folder `path` and return the manifest.

    short_side: images whose short side is longer are made that small (antialiased bicubic) and encoded anew, upright:
    JPEG and WebP as JPEG of quality 95, all others as PNG. Bytes of all other images that TensorFlow decodes are kept
    as they are, with an EXIF orientation that reading honors; arrays and files of other formats become PNG, or with
    other channels than 1, 3 or 4 arrays as numpy writes them: what is read of them is kept whole.
    What else a source knows of its images is `lost`, and the manifest says so.
    Corrupt images are left out and listed in the manifest. Shards that an earlier, broken call has finished are kept.
    ValueError where `path` holds another conversion, of other data or of files with other times of modification
    included, or the images cannot be encoded.
    """
    records.require(f"arrayrecord:{path}")
    if "://" in path:
        raise ValueError(
            f"arrayrecord:{path}: shards are written to local paths only; copy them to the bucket afterwards"
        )
    if set(source.parts) != {"image"}:
        raise ValueError(f"{source.name} has {' and '.join(source.parts)}; what is converted has images alone")
    if short_side is not None and short_side < 1:
        raise ValueError(f"the short side must be a positive number of pixels, not {short_side}")
    folder = epath.Path(path).expanduser()
    plan = {
        "kind": source.name.partition(":")[0],
        "digest": source.digest,
        "stamp": source.stamp or source.digest,
        "short_side": short_side,
        "per_shard": per_shard,
        "channels": source.image.channels,
        "bits": source.image.bits,
    }
    _same(folder, plan)
    count = -(-source.size // per_shard)
    names = [f"{k:05d}-of-{count:05d}.arrayrecord" for k in range(count)]
    if not (folder / "manifest.json").exists():
        with check.bar(console) as progress:
            _shards(source, folder, names, (per_shard, short_side, threads or cores()), progress)
        _finish(source, folder, names, plan)
    return json.loads((folder / "manifest.json").read_text())


def lost(source: Source) -> tuple[str, ...]:
    """What a conversion does not keep of a source, each in a sentence: it holds images with one class or none."""
    kept = {"several classes of an image": source.multi_hot, "numbers to be predicted": source.targets}
    there = [what for what, values in kept.items() if values is not None]
    return tuple(f"{source.name} has {what}, which a conversion does not keep: its images alone" for what in there)


def _same(folder: epath.Path, plan: dict) -> None:
    """Note the plan, or see that it is the one that was noted; ValueError otherwise."""
    for name in ("manifest.json", "plan.json"):
        if (folder / name).exists():
            wrong = _differences(json.loads((folder / name).read_text()), plan)
            if wrong:
                raise ValueError(
                    f"{folder} holds another conversion, with {', '.join(wrong)}: delete it or name another"
                )
            return
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise ValueError(f"{folder} is not empty and holds no conversion: name another folder")
    _write(folder / "plan.json", plan)


def _differences(noted: dict, plan: dict) -> list[str]:
    """How the conversion that was noted differs from the plan, in words."""
    if "stamp" not in noted:
        return ["too few notes (an earlier version made it) to tell whether it is the same"]
    wrong = [key for key, value in plan.items() if noted.get(key) != value]
    if wrong == ["stamp"]:
        times = "other times of modification of the source's files, of which some may have changed"
        return [f"{times} (their names, their sizes and what was read of their contents are the same)"]
    files = ["other files or contents of the source"] if "digest" in wrong else []
    return files + [
        f"{key} {noted.get(key)!r} instead of {plan[key]!r}" for key in wrong if key not in ("digest", "stamp")
    ]


def _write(path: epath.Path, value: dict) -> None:
    files.write(path, json.dumps(value, indent=1) + "\n")


def _shards(source: Source, folder: epath.Path, names: list[str], how: tuple, progress: Progress) -> None:
    """The shards from the first missing one on, in one pass over the rest of the source."""
    per_shard, short_side, threads = how
    done = next((k for k, name in enumerate(names) if not (folder / name).exists()), len(names))
    task = progress.add_task(f"converting {source.name}", total=source.size, completed=done * per_shard)
    if done == len(names):
        return
    rest = _encoded(source, (done * per_shard, source.size), short_side, threads)
    for name in names[done:]:
        _shard(source, folder, name, itertools.islice(rest, per_shard), lambda: progress.advance(task))


def _shard(source: Source, folder: epath.Path, name: str, examples: Iterator, tick: Callable) -> None:
    """One shard and its notes; the shard gets its name last."""
    part, labels, skipped, found = folder / f"{name}.part", [], [], []
    writer = records.array_record_module.ArrayRecordWriter(os.fspath(part), "group_size:1,uncompressed")
    for index, data, label in examples:
        tick()
        if data is None:
            skipped.append({"index": index, "name": source.describe(index)})
            continue
        writer.write(_example(data, label, source.describe(index)))
        labels.append(label)
        found.append(digest(data, str(label)))
    writer.close()
    _write(folder / f"{name}.json", {"labels": labels, "skipped": skipped, "content": digest(*found)})
    os.replace(part, folder / name)


def _example(data: bytes, label: int, name: str) -> bytes:
    feature = {
        "image": tf.train.Feature(bytes_list=tf.train.BytesList(value=[data])),
        "label": tf.train.Feature(int64_list=tf.train.Int64List(value=[label])),
        "name": tf.train.Feature(bytes_list=tf.train.BytesList(value=[name.encode(errors="backslashreplace")])),
    }
    return tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString()


def _encoded(
    source: Source, span: tuple[int, int], short_side: int | None, threads: int
) -> Iterator[tuple[int, bytes | None, int]]:
    """(index, encoded image, label) in order; None for an image that cannot be read."""
    work = in_order(source, *span, CHUNK).map(
        lambda *rows: encoded.survivors(lambda *row: _shrunk(source, short_side, *row), *rows),
        num_parallel_calls=threads,
    )
    begin = span[0]
    for slots, (data, labels, _) in work.prefetch(2).as_numpy_iterator():
        found = {int(slot): k for k, slot in enumerate(slots)}
        for slot in range(min(CHUNK, span[1] - begin)):
            k = found.get(slot)
            yield (begin + slot, None, -1) if k is None else (begin + slot, data[k], int(labels[k]))
        begin += CHUNK


def _shrunk(source: Source, short_side: int | None, *row: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """(encoded image, label, a pixel) of one row; the graph fails at a corrupt image even if its bytes are kept.

    The pixel is for that: without it the decoding would be cut out of the graph as unused.
    """
    raw, label = read_raw(source, *row)
    data, (channels, bits, _, _, reading) = raw["image"], source.image
    if data.dtype != tf.string:
        image = tf.ensure_shape(data, [None, None, channels])
        data = _lossless(image)
    else:
        image = encoded.decode(data, channels=channels, bits=bits, exact=True, reading=reading)
        if reading is not None:
            foreign = tf.numpy_function(lambda data: bool(formats.kind(data)), [data], tf.bool)
            data = tf.cond(tf.ensure_shape(foreign, []), lambda: _lossless(image), lambda: data)
    if short_side is None:
        return data, label, image[0, 0, 0]
    size = tf.cast(tf.shape(image)[:2], tf.float32)
    scale = short_side / tf.reduce_min(size)

    def smaller() -> tf.Tensor:
        target = tf.cast(tf.round(size * scale), tf.int32)
        x = tf.image.resize(image, target, tf.image.ResizeMethod.BICUBIC, antialias=True)
        return _encode(tf.cast(tf.clip_by_value(tf.round(x), 0, 2**bits - 1), image.dtype), data)

    return tf.cond(scale < 1.0, smaller, lambda: data), label, image[0, 0, 0]


def _lossless(image: tf.Tensor) -> tf.Tensor:
    """PNG, or what numpy writes where that cannot hold the channels."""
    if image.shape[-1] in formats.MODES:
        return tf.io.encode_png(image)
    return tf.ensure_shape(tf.numpy_function(arrays.written, [image], tf.string, stateful=False), [])


def _encode(image: tf.Tensor, origin: tf.Tensor) -> tf.Tensor:
    """JPEG where the origin is a format for photographs, else as it is."""
    if image.dtype != tf.uint8 or image.shape[-1] not in (1, 3):
        return _lossless(image)
    photograph = tf.io.is_jpeg(origin) | tf.equal(tf.strings.substr(tf.strings.join([origin, " " * 12]), 8, 4), "WEBP")
    jpeg = lambda: tf.io.encode_jpeg(image, quality=QUALITY)  # noqa: E731
    return tf.cond(photograph, jpeg, lambda: _lossless(image))


def _finish(source: Source, folder: epath.Path, names: list[str], plan: dict) -> None:
    """The manifest from the shards' notes, which are deleted."""
    notes = [json.loads((folder / f"{name}.json").read_text()) for name in names]
    manifest = {
        **plan,
        "source": source.name,
        "format": "tf.train.Example: image (bytes), label (int64), name (bytes)",
        "content": digest(*(note["content"] for note in notes)),
        "classes": list(source.classes),
        "lost": list(lost(source)),
        "files": names,
        "skipped": [entry for note in notes for entry in note["skipped"]],
        "labels": np.concatenate([np.asarray(note["labels"], np.int32) for note in notes]).tolist(),
    }
    if not manifest["labels"]:
        raise ValueError(f"{source.name}: none of its {source.size} images can be read")
    _write(folder / "manifest.json", manifest)
    for stale in [folder / "plan.json", *(folder / f"{name}.json" for name in names)]:
        stale.unlink(missing_ok=True)
