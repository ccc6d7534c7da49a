"""One file of each kind beside good ones: named by `data check`, replaced in training, and embedded as its own library
reads it.
"""

import io
import json

import numpy as np
import pytest
from PIL import Image

from ssl_jax.cli import main
from ssl_jax.data import convert, sources
from ssl_jax.features import encoder
from tests.data import forms
from tests.odd_files import saved
from tests.views.test_formats import dicom, tiff, written

tifffile = pytest.importorskip("tifffile")
pydicom = pytest.importorskip("pydicom")
pytest.importorskip("pillow_heif").register_heif_opener()
RAMP = np.add.outer(np.arange(28) * 3, np.arange(28) * 5).astype(np.uint8)


def by_pillow(data):
    return np.asarray(Image.open(io.BytesIO(data)).convert("L"))


def by_tifffile(data):
    return tifffile.imread(io.BytesIO(data))


def by_pydicom(data):
    return pydicom.dcmread(io.BytesIO(data)).pixel_array


def by_numpy(data):
    found = np.load(io.BytesIO(data))
    return found if isinstance(found, np.ndarray) else found["arr_0"]


def compressed(kind, syntax, **options):
    """A DICOM file that holds a picture as Pillow encodes it."""
    made = pydicom.dcmread(io.BytesIO(dicom(RAMP, bits=8)))
    made.PixelData = pydicom.encaps.encapsulate([saved(Image.fromarray(RAMP), kind, **options)])
    made["PixelData"].VR, made["PixelData"].is_undefined_length = "OB", True
    made.file_meta.TransferSyntaxUID = syntax
    return written(pydicom.dcmwrite, made, enforce_file_format=True)


def runs():
    """A DICOM file of run lengths."""
    made = pydicom.dcmread(io.BytesIO(dicom(RAMP, bits=8)))
    made.compress(pydicom.uid.RLELossless)
    return written(pydicom.dcmwrite, made, enforce_file_format=True)


def kinds():
    """{name: (bytes, what reads them)}"""
    gray = Image.fromarray(RAMP)
    files = {
        "png.png": (saved(gray, "PNG"), by_pillow),
        "jpeg.jpg": (saved(gray, "JPEG"), by_pillow),
        "color.jpg": (saved(gray.convert("RGB"), "JPEG"), by_pillow),
        "webp.webp": (saved(gray, "WEBP"), by_pillow),
        "gif.gif": (saved(gray, "GIF"), by_pillow),
        "bmp.bmp": (saved(gray, "BMP"), by_pillow),
        "jpeg2000.jp2": (saved(gray, "JPEG2000"), by_pillow),
        "avif.avif": (saved(gray, "AVIF"), by_pillow),
        "heic.heic": (saved(gray, "HEIF", quality=60), by_pillow),
        "tiff.tif": (tiff(RAMP), by_tifffile),
        "deflated.tif": (tiff(RAMP, compression="zlib"), by_tifffile),
        "array.npy": (written(np.save, RAMP), by_numpy),
        "arrays.npz": (written(np.savez, RAMP), by_numpy),
        "dicom.dcm": (dicom(RAMP, bits=8), by_pydicom),
        "runs.dcm": (runs(), by_pydicom),
        "jpeg.dcm": (compressed("JPEG", pydicom.uid.JPEGBaseline8Bit), by_pydicom),
        "jpeg2000.dcm": (compressed("JPEG2000", pydicom.uid.JPEG2000Lossless, no_jp2=True), by_pydicom),
    }
    return dict(sorted(files.items()))


BAD = {
    "cut.tif": (lambda: tiff(RAMP)[:-9], "it is cut off"),
    "float.npy": (lambda: written(np.save, RAMP / 255), "its values are float64"),
    "none.jpg": (lambda: b"no image", "no image of a known format"),
    "pages.tif": (lambda: tiff(np.stack([RAMP, RAMP]), planarconfig=None), "it has 2 pages"),
    "frames.dcm": (lambda: dicom(np.stack([RAMP, RAMP]), bits=8), "it has 2 frames"),
}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder of all, {name: pixels of the good ones}."""
    root, good = tmp_path_factory.mktemp("kinds"), {}
    (root / "set").mkdir()
    for name, (data, read) in kinds().items():
        (root / "set" / name).write_bytes(data)
        good[name] = read(data)
    for name, (make, _) in BAD.items():
        (root / "set" / name).write_bytes(make())
    return root, good


@pytest.fixture(scope="module")
def texts(place):
    """The folder, and the same files in a zip."""
    root, _ = place
    files = {path.name: path.read_bytes() for path in sorted((root / "set").iterdir())}
    return [f"folder:{root}/set", forms.zipped(root, files)]


def test_check_names_each_that_cannot_be_read(texts, place, capsys):
    for text in texts:
        assert main.main(["data", "check", text, "--channels=1", "--bits=8", "--json"]) == 0
        report = json.loads(capsys.readouterr().out)
        told = {entry["name"].partition(" of ")[0].rpartition("/")[2]: entry["reason"] for entry in report["corrupt"]}
        assert told.keys() == BAD.keys() and report["readable"] == len(place[1])
        assert all(said in told[name] for name, (_, said) in BAD.items())


def test_training_runs_through(texts, tmp_path, capsys):
    small = ["--config.nets.encoder.depth=(1, 1)", "--config.nets.encoder.base=4", "--config.batch=24"]
    data = ["--config.data.channels=1", "--config.data.bits=8", "--config.data.test=", "--config.probe=False"]
    run = ["--config=quickstart", "--config.duration=3 steps", "--config.evaluation.final=none", *small, *data]
    for number, text in enumerate(texts):
        assert main.main(["train", f"--workdir={tmp_path}/{number}", f"--config.data.train={text}", *run]) == 0
        assert json.loads((tmp_path / str(number) / "result.json").read_text())["step"] == 3
        assert "unreadable images replaced by their successors" in capsys.readouterr().out


def test_embed_is_that_of_what_their_own_libraries_read(texts, place, exported, tmp_path):
    names, loaded = sorted([*place[1], *BAD]), encoder.load(str(exported))
    for number, text in enumerate(texts):
        out = tmp_path / f"{number}.npz"
        assert main.main(["embed", f"--workdir={exported}", f"--data={text}", f"--out={out}"]) == 0
        rows, source = np.load(out), encoder.opened(loaded, text)
        assert [name for name, valid in zip(names, rows["valid"], strict=True) if not valid] == sorted(BAD)
        for name, expected in place[1].items():
            [found] = sources.images(source, [names.index(name)])
            assert np.abs(found[..., 0].astype(int) - expected).max() <= 1, name
            if np.array_equal(found[..., 0], expected):
                feature = loaded.embed([expected[..., None]])["pool"][0]
                np.testing.assert_allclose(rows["features"][names.index(name)], feature, rtol=1e-4, atol=1e-5)


def test_a_conversion_is_that_of_what_their_own_libraries_read(texts, place, tmp_path):
    pytest.importorskip("array_record")
    manifest = convert.convert(sources.open(texts[0], channels=1, bits=8), str(tmp_path / "out"))
    made = sources.open(f"arrayrecord:{tmp_path}/out")
    assert made.size == len(place[1]) and len(manifest["skipped"]) == len(BAD)
    for image, (name, expected) in zip(sources.images(made, range(made.size)), place[1].items(), strict=True):
        assert np.abs(image[..., 0].astype(int) - expected).max() <= 1, name
