"""A converted dataset equals its source, also after a kill."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageOps

from ssl_jax.data import convert, sources
from ssl_jax.data.folder import folder

pytest.importorskip("array_record")


@pytest.fixture(scope="module")
def origin(tmp_path_factory):
    """70 images of two classes; number 30 is corrupt."""
    root = tmp_path_factory.mktemp("origin")
    for k in range(70):
        image = np.random.default_rng(k).integers(0, 256, (12, 20, 3), np.uint8)
        path = root / f"class{k % 2}" / (f"{k:02d}.jpg" if k % 3 else f"{k:02d}.png")
        path.parent.mkdir(exist_ok=True)
        data = (tf.io.encode_jpeg if k % 3 else tf.io.encode_png)(image).numpy()
        path.write_bytes(data[:100] if k == 30 else data)
    return str(root)


def examples(source):
    """Every (bytes, label) that `read` and `gather` give, which must agree."""
    index = tf.range(source.size, dtype=tf.int64)
    data, labels = source.gather(index) if source.gather else zip(*map(source.read, index), strict=True)
    first = source.read(index[3])
    assert first[0].numpy() == data[3].numpy() and int(first[1]) == int(labels[3])
    return [(d.numpy(), int(label)) for d, label in zip(data, labels, strict=True)]


def test_the_conversion_equals_the_source(origin, tmp_path):
    source = folder(origin)
    manifest = convert.convert(source, str(tmp_path / "out"), per_shard=32)
    bad = [entry["index"] for entry in manifest["skipped"]]
    assert [source.describe(k).endswith("30.png") for k in bad] == [True]
    made = sources.open(f"arrayrecord:{tmp_path}/out")
    expected = [pair for k, pair in enumerate(examples(source)) if k not in bad]
    assert examples(made) == expected and made.labels.tolist() == [label for _, label in expected]
    assert (made.classes, made.image.channels, made.image.bits) == (source.classes, 3, 8)
    assert made.describe(0).endswith("(" + source.describe(0) + ")")
    assert sorted(os.listdir(tmp_path / "out")) == [
        *(f"0000{k}-of-00003.arrayrecord" for k in range(3)),
        "manifest.json",
    ]
    part = sources.open(f"arrayrecord:{tmp_path}/out/00002*")
    assert (
        part.labels is None and part.classes == source.classes and examples(part) == expected[63:]
    )  # 32 and 32 images less the corrupt one


def encoded_pngs(source):
    return [tf.io.decode_png(data, dtype=tf.uint16).numpy() for data in source.gather(tf.constant([0, 1], tf.int64))[0]]


def test_large_images_are_made_smaller_and_others_kept(tmp_path):
    ramp = np.broadcast_to(np.linspace(0, 60000, 60)[None, None, :, None], (2, 40, 60, 3)).astype(np.uint16)
    convert.convert(sources.arrays(ramp), str(tmp_path / "large"), short_side=20)
    image = encoded_pngs(sources.open(f"arrayrecord:{tmp_path}/large"))[1]
    assert image.shape == (20, 30, 3) and image.dtype == np.uint16
    assert np.abs(image[5, :, 0] - ramp[0, 5, :, 0].reshape(30, 2).mean(1)).max() < 600
    manifest = convert.convert(sources.arrays(ramp[:, :20, :20]), str(tmp_path / "small"), short_side=20)
    assert manifest["bits"] == 16
    assert np.array_equal(encoded_pngs(sources.open(f"arrayrecord:{tmp_path}/small")), ramp[:, :20, :20])


def test_another_conversion_is_refused(origin, tmp_path):
    source = sources.subset(folder(origin), np.arange(4))
    convert.convert(source, str(tmp_path / "out"))
    with pytest.raises(ValueError, match="holds another conversion, with short_side None instead of 8"):
        convert.convert(source, str(tmp_path / "out"), short_side=8)
    with pytest.raises(ValueError, match="with per_shard 4096 instead of 2"):
        convert.convert(source, str(tmp_path / "out"), per_shard=2)
    with pytest.raises(ValueError, match="with channels 3 instead of 1"):
        convert.convert(source._replace(parts={"image": source.image._replace(channels=1)}), str(tmp_path / "out"))
    with pytest.raises(ValueError, match="with kind 'folder' instead of 'mine'"):
        convert.convert(source._replace(name="mine"), str(tmp_path / "out"))
    with pytest.raises(ValueError, match="is not empty and holds no conversion"):
        convert.convert(source, origin)


SCRIPT = """
import sys
from ssl_jax.data import convert
from ssl_jax.data.folder import folder
write = convert._shard
def slow(*arguments):
    write(*arguments)
    print("shard", flush=True)
    import time; time.sleep(float(sys.argv[3]))
convert._shard = slow
convert.convert(folder(sys.argv[1]), sys.argv[2], per_shard=8)
"""


def test_a_killed_conversion_goes_on_where_it_was(origin, tmp_path):
    out = tmp_path / "out"
    command = [sys.executable, "-c", SCRIPT, origin, str(out), "30"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}) as child:
        child.stdout.readline()
        child.send_signal(signal.SIGKILL)
    done = sorted(path.name for path in out.glob("*.arrayrecord"))
    assert done and len(done) < 9 and not (out / "manifest.json").exists()
    stamps = {name: (out / name).stat().st_mtime_ns for name in done}
    (out / "00008-of-00009.arrayrecord.part").write_bytes(b"half a shard")
    time.sleep(0.01)
    convert.convert(folder(origin), str(out), per_shard=8)
    assert {name: (out / name).stat().st_mtime_ns for name in done} == stamps
    whole = tmp_path / "whole"
    convert.convert(folder(origin), str(whole), per_shard=8)
    assert examples(sources.open(f"arrayrecord:{out}")) == examples(sources.open(f"arrayrecord:{whole}"))
    assert (out / "manifest.json").read_text() == (whole / "manifest.json").read_text()


@pytest.mark.parametrize("begun", [True, False], ids=["begun", "finished"])
def test_other_pixels_under_the_same_names_are_refused(tmp_path, begun):
    """Two folders with the names and sizes of each other: the shards of the first are not those of the second."""
    for name, value in (("one", 10), ("two", 200)):
        (tmp_path / name).mkdir()
        for k in range(6):
            pixels = np.full((4, 4, 3), value, np.uint8)
            (tmp_path / name / f"{k}.png").write_bytes(tf.io.encode_png(pixels, compression=0).numpy())
    one, two = (folder(str(tmp_path / name)) for name in ("one", "two"))
    out = str(tmp_path / "out")
    manifest = convert.convert(one, out, per_shard=2)
    if begun:
        (tmp_path / "out" / "manifest.json").rename(tmp_path / "out" / "plan.json")
        (tmp_path / "out" / "00002-of-00003.arrayrecord").unlink()
    with pytest.raises(
        ValueError, match="holds another conversion, with other files or contents of the source: delete"
    ):
        convert.convert(two, out, per_shard=2)
    other = convert.convert(two, str(tmp_path / "other"), per_shard=2)
    assert other["content"] != manifest["content"]
    os.utime(tmp_path / "one" / "3.png", ns=(0, 0))
    said = (
        "with other times of modification of the source's files, of which some may have changed .*: delete it or name"
    )
    with pytest.raises(ValueError, match=said):
        convert.convert(folder(str(tmp_path / "one")), out, per_shard=2)


def test_a_folder_of_an_earlier_version_is_refused(origin, tmp_path):
    source = sources.subset(folder(origin), np.arange(4))
    manifest = convert.convert(source, str(tmp_path / "out"))
    path = tmp_path / "out" / "manifest.json"
    path.write_text(json.dumps({key: value for key, value in manifest.items() if key not in ("stamp", "kind")}))
    with pytest.raises(ValueError, match="too few notes \\(an earlier version made it\\) to tell whether"):
        convert.convert(source, str(tmp_path / "out"))


def test_sources_without_a_stamp_go_on(tmp_path):
    source = sources.arrays(np.zeros((3, 4, 4, 1), np.uint8))._replace(stamp="")
    first = convert.convert(source, str(tmp_path / "out"))
    assert convert.convert(source, str(tmp_path / "out")) == first and first["stamp"] == source.digest


def test_the_content_is_that_of_the_examples(origin, tmp_path):
    """Where it lies and what it is called does not count; an image less, a label or a size does."""
    source = sources.subset(folder(origin), np.arange(6))
    of = lambda source, name, **how: convert.convert(source, str(tmp_path / name), **how)["content"]  # noqa: E731
    same = of(source._replace(describe=lambda index: f"another name {index}"), "renamed")
    assert of(source, "first") == same
    others = [
        of(source, "smaller", short_side=6),
        of(sources.subset(folder(origin), np.arange(5)), "fewer"),
        of(sources.subset(folder(origin), np.array([1, 0, 2, 3, 4, 5])), "swapped"),
    ]
    assert len({same, *others}) == 4


@pytest.mark.parametrize("short_side", [None, 20])
def test_turned_photographs_stay_upright(tmp_path, short_side):
    ramp = np.broadcast_to(np.linspace(0, 250, 60)[None, :, None], (40, 60, 3)).astype(np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6
    (tmp_path / "in").mkdir()
    Image.fromarray(ramp).save(tmp_path / "in" / "a.jpg", exif=exif, quality=95)
    convert.convert(folder(str(tmp_path / "in")), str(tmp_path / "out"), short_side=short_side)
    made = sources.images(sources.open(f"arrayrecord:{tmp_path}/out"), [0])[0]
    upright = ImageOps.exif_transpose(Image.open(tmp_path / "in" / "a.jpg"))
    assert made.shape[:2] == ((60, 40) if short_side is None else (30, 20))
    expected = np.asarray(upright.resize(made.shape[1::-1], Image.Resampling.BICUBIC)).astype(int)
    assert np.abs(made - expected).max() <= (1 if short_side is None else 8)
