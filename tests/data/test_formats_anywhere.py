"""TIFF, arrays, JPEG 2000, AVIF, HEIC and DICOM are the same images in a folder, an archive and a table."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from ssl_jax.data import check, convert, sources
from ssl_jax.data.source import described, images
from tests.data import forms
from tests.data.test_shards import shard
from tests.odd_files import pixels, saved
from tests.views.test_formats import dicom, tiff, values, written

pytest.importorskip("tifffile")
pytest.importorskip("pydicom")


def pairs(place, files):
    """A shard of WebDataset: a caption beside each image."""
    keys = [(path.rpartition(".")[0], {path.rpartition(".")[2]: data, "txt": b"x"}) for path, data in files.items()]
    return f"wds:{shard(place / 'set.tar', keys)}"


FORMS = [*forms.FORMS[1:], pairs]
every = pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
PAGES = tiff(values(3, 9, 8), planarconfig=None)
BAD = {"b/float.npy": "its values are float32", "b/pages.tif": "it has 3 pages", "b/cut.tif": "it is cut off"}


@pytest.fixture(scope="module")
def kinds():
    """{path: bytes}: one file of each kind, and those of `BAD`."""
    pytest.importorskip("pillow_heif").register_heif_opener()
    rgb = Image.fromarray(pixels())
    files = {
        "a/jpeg.jpg": saved(rgb, "JPEG"),
        "a/png.png": saved(rgb, "PNG"),
        "a/png16.png": tf.io.encode_png(values(9, 8, 3)).numpy(),
        "a/webp.webp": saved(rgb, "WEBP", lossless=True),
        "a/gif.gif": saved(rgb, "GIF"),
        "a/bmp.bmp": saved(rgb, "BMP"),
        "a/tiff.tif": tiff(pixels(), photometric="rgb", compression="zlib"),
        "a/tiff16.tiff": tiff(values(9, 8)),
        "b/array.npy": written(np.save, pixels()),
        "b/arrays.npz": written(np.savez_compressed, pixels()),
        "b/jpeg2000.jp2": saved(rgb, "JPEG2000"),
        "b/avif.avif": saved(rgb, "AVIF"),
        "b/heic.heic": saved(rgb, "HEIF"),
        "b/dicom.dcm": dicom(values(9, 8, dtype=np.uint8), bits=8),
        "b/float.npy": written(np.save, np.zeros((3, 4), np.float32)),
        "b/pages.tif": PAGES,
        "b/cut.tif": tiff(pixels(), photometric="rgb")[:-9],
    }
    return dict(sorted(files.items()))


def stems(source):
    """The names of the files, without folders and endings, however a source describes them."""
    paths = [name.partition(" of ")[0].partition(",")[0] for name in described(source, 0, source.size)]
    return [path.rpartition("/")[2].partition(".")[0] for path in paths]


def named(source):
    """{name of the file: image} of what can be read."""
    report = check.check(source)
    bad = {entry["index"] for entry in report["corrupt"]}
    rows = [k for k in range(source.size) if k not in bad]
    names = stems(source)
    assert sorted(names[k] for k in bad) == ["cut", "float", "pages"]
    assert all(any(words in entry["reason"] for words in BAD.values()) for entry in report["corrupt"])
    return {names[k]: image for k, image in zip(rows, images(source, rows), strict=True)}


@every
def test_every_kind_of_file_is_what_it_is_in_a_folder(form, kinds, tmp_path):
    (tmp_path / "packed").mkdir()
    folder = sources.open(forms.folder(tmp_path, kinds))
    source = sources.open(form(tmp_path / "packed", kinds))
    expected, found = named(folder), named(source)
    assert found.keys() == expected.keys() and len(found) == len(kinds) - len(BAD)
    assert all(np.array_equal(found[name], image) for name, image in expected.items())
    assert np.array_equal(found["tiff"], pixels()) and np.array_equal(found["array"], pixels())
    assert (source.image.channels, source.image.bits) == (3, 8)
    dicoms = lambda source: sum("of DICOM, gray fills" in notice for notice in source.notices)  # noqa: E731
    assert dicoms(source) == dicoms(folder) == 1


@every
def test_bands_of_any_number(form, tmp_path):
    files = {f"{'ab'[k % 2]}/{k}.tif": tiff(values(9 + k, 8, 12)) for k in range(5)}
    files["a/5.npy"] = written(np.save, values(14, 8, 12))
    files = dict(sorted(files.items()))
    source = sources.open(form(tmp_path, files))
    assert (source.image.channels, source.image.bits) == (12, 16)
    for k, image in zip(stems(source), images(source, range(6)), strict=True):
        assert np.array_equal(image, values(9 + int(k), 8, 12))
    with pytest.raises(ValueError, match="5 channels cannot be read, since no file has them"):
        sources.open(source.name, channels=5)


def asked(text, option):
    """The dataset's text with an option more."""
    return f"{text}{'&' if '?' in text else '?'}{option}"


@every
def test_pages_and_arrays_are_read_as_the_text_says(form, tmp_path):
    files = {"a/1.tif": PAGES, "b/2.dcm": dicom(values(3, 9, 8))}
    text = form(tmp_path, files)
    for way, expected in (("first", values(3, 9, 8)[:1]), ("channels", values(3, 9, 8))):
        source = sources.open(asked(text, f"pages={way}"))
        for image in images(source, range(2)):
            assert np.array_equal(image, np.moveaxis(expected, 0, -1))
    ways = [sources.open(asked(text, f"pages={way}") if way else text, channels=3) for way in ("", "first", "channels")]
    assert len({source.digest for source in ways}) == len({source.stamp for source in ways}) == 3
    for option, said in (
        ("pages=all", "no 'all' in the values of pages"),
        ("key=x", "key=x says how files of NumPy's .npz are read, and there are none: leave it out"),
    ):
        with pytest.raises(ValueError, match=said):
            sources.open(asked(text, option))


@every
def test_an_array_of_several_is_named(form, tmp_path):
    archive = written(np.savez, image=pixels(), mask=pixels(1))
    text = form(tmp_path, {"a/1.npz": archive, "b/2.npz": archive})
    assert all(np.array_equal(image, pixels()) for image in images(sources.open(asked(text, "key=image")), range(2)))
    assert (
        "it has 2 arrays (image, mask): name one, by ?key=image"
        in check.check(sources.open(text))["corrupt"][0]["reason"]
    )
    with pytest.raises(ValueError, match="pages=first says how files of TIFF or DICOM are read, and there are none"):
        sources.open(asked(text, "pages=first"))


def test_what_has_no_pages_refuses_them(tmp_path):
    for name, what in (("a.mp4", "videos"), ("a.off", "meshes")):
        (tmp_path / what).mkdir()
        (tmp_path / what / name).write_bytes(b"x")
        with pytest.raises(ValueError, match=f"has {what}; pages=first is of images: leave it out"):
            sources.open(f"folder:{tmp_path}/{what}?pages=first")


def test_a_mix_reads_in_one_way(tmp_path):
    parts = []
    for k in range(3):
        (tmp_path / str(k)).mkdir()
        files = {"1.tif": PAGES} if k else {"1.png": forms.png(0)}
        parts.append((forms.zipped if k else forms.folder)(tmp_path / str(k), files))
    png, first, channels = parts[0], f"{parts[1]}?pages=first", f"{parts[2]}?pages=channels"
    source = sources.open(f"mix:1*{png}+1*{first}", channels=1, bits=16)
    assert np.array_equal(images(source, [1])[0][..., 0], values(3, 9, 8)[0])
    with pytest.raises(ValueError, match="say different things of pages or key"):
        sources.open(f"mix:1*{first}+1*{channels}", channels=3, bits=8)


def test_features_beside_an_image_are_no_image(tmp_path):
    key = {
        "npy": written(np.save, np.zeros(512, np.float32)),
        "jpg": saved(Image.fromarray(pixels()), "JPEG"),
        "txt": b"x",
    }
    source = sources.open(f"wds:{shard(tmp_path / 'a.tar', [('0', key)])}")
    assert images(source, [0])[0].shape == pixels().shape and source.image.reading is None


def test_a_conversion_of_an_archive_keeps_all_bands(tmp_path):
    pytest.importorskip("array_record")
    source = sources.open(forms.zipped(tmp_path, {f"a/{k}.tif": tiff(values(9 + k, 8, 12)) for k in range(3)}))
    convert.convert(source, str(tmp_path / "out"))
    for k, image in enumerate(images(sources.open(f"arrayrecord:{tmp_path}/out"), range(3))):
        assert np.array_equal(image, values(9 + k, 8, 12))
