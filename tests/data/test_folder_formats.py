"""Folders of TIFF, arrays, JPEG 2000, AVIF and DICOM: read, checked, converted; what cannot be read is named."""

import io
import json

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from rich.console import Console

from ssl_jax.data import check, convert, sources, stream
from ssl_jax.data.folder import folder
from ssl_jax.data.source import images
from ssl_jax.views import compose, compose_host, formats

tifffile = pytest.importorskip("tifffile")


def bands(k, *, channels=12, dtype=np.uint16):
    shape = (14 + k % 3, 16, channels)
    return np.random.default_rng(k).integers(0, min(np.iinfo(dtype).max, 9000), shape).astype(dtype)


def save(path, array):
    """By the ending of the path."""
    match path.suffix:
        case ".npy":
            np.save(path, array)
        case ".npz":
            np.savez_compressed(path, array)
        case ".tif":
            rgb = array.shape[-1] == 3
            tifffile.imwrite(path, array, photometric="rgb" if rgb else "minisblack", planarconfig="contig")
        case ".jp2":
            Image.fromarray(array).save(path, irreversible=False)
        case _:
            Image.fromarray(array).save(path)
    return array


def views(size=8):
    crop = dict(name="random_resized_crop", args=dict(scale=(0.5, 1.0)))
    return compose_host.host(compose.views([dict(group="global", count=2, size=size, ops=(crop,))]))


@pytest.fixture
def mixed(tmp_path):
    """Colors of 8 bits in every lossless format, and beside them one file of each kind that has no honest reading."""
    good = {
        f"{k}{end}": save(tmp_path / f"{k}{end}", bands(k, channels=3, dtype=np.uint8))
        for k, end in enumerate((".png", ".tif", ".npy", ".npz", ".jp2", ".bmp"))
    }
    array = bands(1)
    bad = {
        "float.npy": "its values are float32",
        "signed.tif": "its values are int16",
        "complex.npy": "its values are complex64",
        "stack.npy": "it has the shape [2, 15, 16, 12]",
        "pages.tif": "it has 12 pages, the first of 15 x 16 pixels",
        "wide.tif": "it has 12 channels, and 3 are read",
        "cut.tif": "it is cut off",
        "two.npz": "it has 2 arrays (a, b): name one",
        "none.tif": "begins like this",
    }
    np.save(tmp_path / "float.npy", array.astype(np.float32))
    tifffile.imwrite(tmp_path / "signed.tif", array.astype(np.int16)[..., 0])
    np.save(tmp_path / "complex.npy", array.astype(np.complex64))
    np.save(tmp_path / "stack.npy", np.stack([array, array]))
    tifffile.imwrite(tmp_path / "pages.tif", np.moveaxis(array, -1, 0), photometric="minisblack")
    save(tmp_path / "wide.tif", array)
    (tmp_path / "cut.tif").write_bytes((tmp_path / "1.tif").read_bytes()[:-9])
    np.savez(tmp_path / "two.npz", a=array, b=array)
    (tmp_path / "none.tif").write_bytes(b"no image at all")
    return folder(str(tmp_path), channels=3, bits=8), good, bad


def test_one_of_each_kind_beside_good_ones_is_named(mixed):
    source, good, bad = mixed
    names = [source.describe(k).rpartition("/")[2] for k in range(source.size)]
    for name, image in zip(good, images(source, [names.index(name) for name in good]), strict=True):
        assert np.array_equal(image, good[name]), name
    report = check.check(source)
    told = {entry["name"].rpartition("/")[2]: entry["reason"] for entry in report["corrupt"]}
    assert told.keys() == bad.keys() and report["readable"] == len(good)
    for name, reason in bad.items():
        assert reason in told[name], told[name]
    json.dumps(report)


def test_training_runs_through_and_replaces_them(mixed):
    source, good, bad = mixed
    batches = stream.batches(source, views(), batch=5, seed=0)
    seen = [next(batches) for _ in range(9)]
    replaced = np.concatenate([batch["replaced"] for batch in seen])
    names = {source.describe(k).rpartition("/")[2] for k in replaced[replaced >= 0]}
    assert names == set(bad) and all(batch["global"].shape == (5, 2, 8, 8, 3) for batch in seen)


@pytest.fixture
def satellite(tmp_path):
    """(source, arrays): ten images of twelve bands, TIFF and .npy, in two classes."""
    arrays = []
    for k in range(10):
        path = tmp_path / "data" / f"class{k // 5}" / f"{k}{'.npy' if k % 2 else '.tif'}"
        path.parent.mkdir(parents=True, exist_ok=True)
        arrays.append(save(path, bands(k)))
    return folder(str(tmp_path / "data")), arrays


def test_the_report_has_the_statistics_of_every_band_as_recipes_take_them(satellite):
    source, arrays = satellite
    assert (source.image.channels, source.image.bits, source.notices) == (12, 16, ())
    report = check.check(source)
    pixels = np.concatenate([array.reshape(-1, 12) for array in arrays]) / 65535
    np.testing.assert_allclose(report["mean"], pixels.mean(0), atol=1e-12)
    np.testing.assert_allclose(report["std"], pixels.std(0), atol=1e-12)
    assert report["channels"] == {12: 10} and report["corrupt"] == []
    (row,) = [k for k, label in enumerate(check.table(report).columns[0].cells) if label == "stats (0..1)"]
    stats = eval(list(check.table(report).columns[1].cells)[row])  # what a person copies
    np.testing.assert_allclose(stats["mean"], report["mean"], rtol=1e-3)
    assert len(stats["std"]) == 12
    Console(file=io.StringIO()).print(check.table(report))


def test_views_of_bands_are_crops_of_them(satellite):
    source, arrays = satellite
    top = compose_host.host(compose.views([dict(group="global", size=8, ops=(dict(name="center_crop"),))]))
    batch = next(stream.batches(source, top, batch=10, seed=0))
    for index, view in zip(batch["index"], batch["global"], strict=True):
        middle = (arrays[index].shape[0] - 8) / 2
        start = round(middle)
        assert np.array_equal(view[0], arrays[index][start : start + 8, 4:12])


@pytest.mark.parametrize("short_side", [None, 7])
def test_a_conversion_keeps_all_bands(satellite, tmp_path, short_side):
    pytest.importorskip("array_record")
    source, arrays = satellite
    manifest = convert.convert(source, str(tmp_path / "out"), short_side=short_side)
    made = sources.open(f"arrayrecord:{tmp_path}/out")
    assert (manifest["channels"], made.image.channels, made.image.bits) == (12, 12, 16)
    assert made.labels.tolist() == [0] * 5 + [1] * 5
    for found, array in zip(images(made, np.arange(10)), arrays, strict=True):
        if short_side:
            resized = tf.image.resize(array, found.shape[:2], tf.image.ResizeMethod.BICUBIC, antialias=True)
            assert min(found.shape[:2]) == 7 and np.abs(found - np.clip(resized, 0, 65535)).max() <= 0.51
        else:
            assert np.array_equal(found, array)


def test_a_conversion_of_colors_is_png_and_keeps_what_is_known(mixed, tmp_path):
    pytest.importorskip("array_record")
    source, good, _ = mixed
    manifest = convert.convert(source, str(tmp_path / "out"))
    made = sources.open(f"arrayrecord:{tmp_path}/out")
    assert made.size == len(good) and len(manifest["skipped"]) == source.size - len(good)
    assert made.image.reading is None  # nothing is left that the graph does not know
    for k, image in enumerate(images(made, np.arange(made.size))):
        assert np.array_equal(image, good[made.describe(k).rpartition("/")[2].rstrip(")")])


def test_arrays_of_two_channels_are_converted(tmp_path):
    pytest.importorskip("array_record")
    arrays = np.random.default_rng(0).integers(0, 256, (5, 4, 3, 2), np.uint8)
    convert.convert(sources.arrays(arrays), str(tmp_path / "out"))
    made = sources.open(f"arrayrecord:{tmp_path}/out")
    assert np.array_equal(np.stack(images(made, np.arange(5))), arrays)


def test_folders_of_known_formats_are_read_as_they_were(tmp_path):
    save(tmp_path / "a.png", bands(0, channels=3, dtype=np.uint8))
    save(tmp_path / "b.jpg", bands(0, channels=3, dtype=np.uint8))
    assert folder(str(tmp_path)).image.reading is None
    save(tmp_path / "c.npy", bands(0, channels=3, dtype=np.uint8))
    assert folder(str(tmp_path)).image.reading == formats.Reading()


def test_most_files_say_how_many_channels_there_are(tmp_path):
    for k in range(3):
        save(tmp_path / f"{k}.tif", bands(k))
    save(tmp_path / "preview.png", bands(0, channels=3, dtype=np.uint8))
    source = folder(str(tmp_path))
    assert (source.image.channels, source.image.bits) == (12, 16)
    assert "1 of 3 channels and 8 bits, 3 of 12 channels and 16 bits; all are read as 12" in source.notices[0]
    assert [entry["reason"] for entry in check.check(source)["corrupt"]] == ["it has 3 channels, and 12 are read"]


def test_what_stands_behind_the_question_mark(tmp_path):
    pages = np.moveaxis(bands(0), -1, 0)
    for split in ("train", "test"):
        (tmp_path / "a" / split).mkdir(parents=True)
        tifffile.imwrite(tmp_path / "a" / split / "x.tif", pages, photometric="minisblack")
    source = sources.open(f"folder:{tmp_path}?split=test&pages=channels")
    assert source.size == 1 and source.image.channels == 12
    assert np.array_equal(images(source, [0])[0], bands(0))
    first = sources.open(f"folder:{tmp_path}/a/test?pages=first")
    assert np.array_equal(images(first, [0])[0], bands(0)[..., :1])
    assert (
        len({sources.open(f"folder:{tmp_path}/a/test{q}").digest for q in ("", "?pages=first", "?pages=channels")}) == 3
    )
    for text, said in (
        ("pages=all", "no 'all' in the values of pages"),
        ("pages=first&spilt=test", "no 'spilt' in the options of folder; did you mean split"),
        ("pages=", "pages has no value"),
    ):
        with pytest.raises(ValueError, match=said):
            sources.open(f"folder:{tmp_path}?{text}")
    keyed = tmp_path / "keyed"
    keyed.mkdir()
    np.savez(keyed / "x.npz", image=bands(1), mask=bands(2))
    assert np.array_equal(images(sources.open(f"folder:{keyed}?key=image"), [0])[0], bands(1))


def test_a_library_that_is_missing_is_said_when_the_folder_is_opened(tmp_path, monkeypatch):
    save(tmp_path / "a.tif", bands(0))
    real = formats.importlib.import_module
    none = lambda name: (_ for _ in ()).throw(ImportError(name)) if name == "tifffile" else real(name)  # noqa: E731
    monkeypatch.setattr(formats.importlib, "import_module", none)
    with pytest.raises(ValueError, match=r"has files .tif, which tifffile reads: pip install 'ssl_jax\[tiff\]'"):
        folder(str(tmp_path))


def test_a_table_of_bands(tmp_path):
    lines = ["path,target"]
    for k in range(3):
        save(tmp_path / f"{k}.tif", bands(k))
        lines.append(f"{k}.tif,{k}")
    (tmp_path / "t.csv").write_text("\n".join(lines))
    source = sources.open(f"table:{tmp_path}/t.csv", channels=12, bits=16)
    assert np.array_equal(images(source, [2])[0], bands(2))


def test_channels_that_a_source_cannot_have_are_refused(tmp_path):
    save(tmp_path / "a.tif", bands(0))
    with pytest.raises(ValueError, match="5 channels cannot be read, since no file has them"):
        sources.open(f"folder:{tmp_path}", channels=5)
    for text, channels in (("tfds:cifar10", 12), ("wds:x.tar", -2), ("folder:x", -1)):
        with pytest.raises(ValueError, match=f"{channels} channels cannot be read"):
            sources.open(text, channels=channels)
