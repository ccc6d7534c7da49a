"""Digests and stamps: one byte of one example, a copy elsewhere, large sets by a sample."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from ssl_jax.data import contents, convert, sources
from tests.data.test_tfds_source import make

PIXELS = np.random.default_rng(3).integers(0, 256, (6, 8, 8, 3)).astype(np.uint8)


def photos(place, pixels):
    """A folder of files without compression, so that one value is one byte and sizes stay."""
    for k, image in enumerate(pixels):
        path = place / "set" / f"c{k % 2}" / f"{k}.bmp"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bitmap(image))
    return f"folder:{place}/set", {}


def bitmap(image):
    """A BMP of 24 bits: a header of fixed length, then rows of BGR; 8 pixels wide, so rows need no padding."""
    rows = image[::-1, :, ::-1].tobytes()
    head = b"BM" + (54 + len(rows)).to_bytes(4, "little") + bytes(4) + (54).to_bytes(4, "little")
    size = (8).to_bytes(4, "little") * 2
    return head + (40).to_bytes(4, "little") + size + b"\1\0\x18\0" + bytes(24) + rows


def shards(place, pixels):
    pytest.importorskip("array_record")
    convert.convert(sources.open(photos(place, pixels)[0]), str(place / "shards"))
    return f"arrayrecord:{place}/shards", {}


def tfrecord(place, pixels):
    return "tfds:little", {"data_dir": make(place, "tfrecord", pixels)}


def array_record(place, pixels):
    pytest.importorskip("array_record")
    return "tfds:little", {"data_dir": make(place, "array_record", pixels)}


KINDS = [photos, shards, tfrecord, array_record]


def pixels_of(kind):
    if kind in (photos, shards):
        return PIXELS
    return np.random.default_rng(0).integers(0, 65536, (11, 6, 5, 1)).astype(np.uint16)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_one_byte_of_one_example_is_another_digest(kind, tmp_path):
    pixels = pixels_of(kind)
    other = pixels.copy()
    other[4, 2, 3, 0] ^= 1
    found = []
    for name, images in (("one", pixels), ("two", other), ("three", pixels)):
        (tmp_path / name).mkdir()
        text, options = kind(tmp_path / name, images)
        found.append(sources.open(text, **options))
    one, two, three = found
    assert one.digest != two.digest and one.stamp != two.stamp
    if kind is not shards:  # whose records carry the paths of their origins
        assert one.digest == three.digest
    assert sources.subset(one, [0, 1]).digest != sources.subset(two, [0, 1]).digest


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_copy_has_the_digest_and_another_stamp(kind, tmp_path):
    (tmp_path / "one").mkdir()
    text, options = kind(tmp_path / "one", pixels_of(kind))
    here = sources.open(text, **options)

    def copied(name, **how):
        shutil.copytree(tmp_path / "one", tmp_path / name, **how)
        move = lambda text: text.replace(f"{tmp_path}/one", f"{tmp_path}/{name}")  # noqa: E731
        return sources.open(move(text), **{key: move(value) for key, value in options.items()})

    there, with_times = copied("two", copy_function=shutil.copyfile), copied("three")
    assert there.digest == here.digest and there.stamp != here.stamp
    assert (with_times.digest, with_times.stamp) == (here.digest, here.stamp)
    parts = [sources.subset(source, [1, 3]) for source in (here, there)]
    assert parts[0].digest == parts[1].digest and parts[0].stamp != parts[1].stamp


def test_sources_in_memory_have_one_for_both():
    one, two = sources.arrays(PIXELS), sources.arrays(PIXELS ^ (np.arange(PIXELS.size) == 700).reshape(PIXELS.shape))
    assert one.digest == one.stamp != two.digest == two.stamp
    assert sources.arrays(PIXELS, classes=("a", "b")).digest != one.digest
    plain = one._replace(stamp="")  # as a function of a user's own gives it
    assert sources.subset(plain, [0]).stamp == "" != sources.subset(one, [0]).stamp
    embedded = sources.open("embedded:fashion_mnist/test")
    assert embedded.digest == embedded.stamp != sources.open("embedded:fashion_mnist/train").digest


def test_large_sets_are_sampled_and_the_stamp_sees_the_rest(tmp_path, monkeypatch):
    monkeypatch.setattr(contents, "WHOLE", 100)
    monkeypatch.setattr(contents, "SAMPLE", 4)
    text, _ = photos(tmp_path, PIXELS)
    before = sources.open(text)
    files = sorted(tmp_path.rglob("*.bmp"))
    for k, path in enumerate(files):
        data = bytearray(path.read_bytes())
        data[60] ^= 1
        path.write_bytes(data)
        after = sources.open(text)
        assert after.stamp != before.stamp
        assert (after.digest != before.digest) == (k in (0, 1, 3, 5)), "four files spread over the listing are read"
        before = after


def test_large_files_are_sampled_from_end_to_end(tmp_path, monkeypatch):
    monkeypatch.setattr(contents, "WHOLE", 100)
    monkeypatch.setattr(contents, "BLOCK", 10)
    path = tmp_path / "x.tfrecord"
    path.write_bytes(bytes(10**6))
    before, _ = contents.of_files([str(path)])
    for place in (0, 5 * 10**5, 10**6 - 1):
        data = bytearray(10**6)
        data[place : place + 1000] = b"\1" * len(data[place : place + 1000])
        path.write_bytes(data)
        assert contents.of_files([str(path)])[0] != before


def test_the_order_of_files_counts_and_their_folders_do_not(tmp_path):
    one, two = tmp_path / "a" / "1.tfrecord", tmp_path / "b" / "2.tfrecord"
    for path in (one, two):
        path.parent.mkdir()
        path.write_bytes(path.name.encode())
    first, _ = contents.of_files([str(one), str(two)])
    assert contents.of_files([str(two), str(one)])[0] != first
    moved = [shutil.move(path, tmp_path) for path in (one, two)]
    assert contents.of_files(moved)[0] == first


def test_names_are_in_the_digest(tmp_path):
    text, _ = photos(tmp_path, PIXELS)
    before = sources.open(text).digest
    os.rename(tmp_path / "set/c0/0.bmp", tmp_path / "set/c0/00.bmp")
    renamed = sources.open(text).digest
    (tmp_path / "set/b").mkdir()
    assert len({before, renamed, sources.open(text).digest}) == 3, "an empty class moves the numbers of the others"


def test_manifests_of_earlier_versions_open(tmp_path):
    text, _ = shards(tmp_path, PIXELS)
    path = Path(text.removeprefix("arrayrecord:")) / "manifest.json"
    manifest = json.loads(path.read_text())
    new = sources.open(text)
    old = {key: value for key, value in manifest.items() if key not in ("content", "stamp", "kind")}
    path.write_text(json.dumps(old))
    source = sources.open(text)
    assert source.size == 6 and source.classes == ("c0", "c1") and source.digest != new.digest
    path.write_text(json.dumps({**manifest, "labels": manifest["labels"][::-1]}))
    assert sources.open(text).digest != new.digest, "labels are part of the data"


def test_a_file_that_is_gone_is_a_sentence(tmp_path):
    directory = make(tmp_path, "tfrecord")
    gone = next(tmp_path.rglob("*.tfrecord*"))
    gone.unlink()
    with pytest.raises(ValueError, match=f"{gone.name} cannot be read"):
        sources.open("tfds:little", data_dir=directory)


def test_printable_names():
    assert contents.printable(b"caf\xe9.jpg") == contents.printable(os.fsdecode(b"caf\xe9.jpg")) == "caf\\xe9.jpg"
    assert contents.printable("a\nb \u00e9\U0001f600#%") == "a\\nb \u00e9\U0001f600#%"
