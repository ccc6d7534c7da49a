"""Files of the formats that TensorFlow does not decode: the pixels that their own libraries give, or one sentence."""

import io
import re

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageOps

from ssl_jax.views import arrays, decoding, formats, geometric
from ssl_jax.views.formats import Reading
from tests.odd_files import pixels, saved

tifffile = pytest.importorskip("tifffile")
pydicom = pytest.importorskip("pydicom")


def values(*shape, dtype=np.uint16, top=None):
    top = np.iinfo(dtype).max if top is None else top
    return np.random.default_rng(sum(shape)).integers(0, top, shape, endpoint=True).astype(dtype)


def tiff(array, **options):
    options = dict(photometric="minisblack", planarconfig="contig" if array.ndim == 3 else None) | options
    return written(tifffile.imwrite, array, **options)


def written(write, *args, **options):
    out = io.BytesIO()
    write(out, *args, **options)
    return out.getvalue()


def read(data, reading=Reading(), *, channels=0, bits=16):
    """By the graph, as a source of such files reads them; `opened` alone gives the same."""
    dtype = tf.uint16 if bits == 16 else tf.uint8
    known = dict(channels=channels, dtype=dtype, reading=reading)
    found = geometric.decode_trusted(tf.constant(data), **known, exact=True).numpy()
    own = decoding.opened(data, channels=channels, bits=bits, reading=reading)
    assert found.dtype == own.dtype and np.array_equal(found, own)
    return found


WIDE = values(21, 34, 12)
TIFFS = {
    "12 channels": tiff(WIDE),
    "12 channels deflate": tiff(WIDE, compression="zlib", predictor=False),
    "12 channels big-endian": tiff(WIDE, byteorder=">"),
    "12 channels, a band after the other": tiff(np.moveaxis(WIDE, -1, 0), planarconfig="separate"),
    "12 channels in tiles": tiff(WIDE, tile=(16, 16)),
    "12 channels in strips": tiff(WIDE, rowsperstrip=5),
    "12 channels of BigTIFF": tiff(WIDE, bigtiff=True),
}


@pytest.mark.parametrize("name", TIFFS)
def test_all_channels_of_a_tiff_are_kept(name):
    assert np.array_equal(read(TIFFS[name]), WIDE)
    assert np.array_equal(read(TIFFS[name], channels=12, bits=8), WIDE >> 8)
    assert formats.header(io.BytesIO(TIFFS[name])) == (12, 16)


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5, 12])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("kind", ["npy", "tiff"])
def test_any_number_of_channels_and_both_types(channels, dtype, kind):
    array = values(9, 7, channels, dtype=dtype)
    data = written(np.save, array) if kind == "npy" else tiff(array if channels > 1 else array[..., 0])
    bits = 8 * array.itemsize
    assert np.array_equal(read(data, channels=channels, bits=bits), array)
    assert formats.header(io.BytesIO(data)) == (channels, bits)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_tiff_comes_in_upright(orientation):
    tag = [(formats.ORIENTATION, "H", 1, orientation, True)]
    data = tiff(pixels(), photometric="rgb", extratags=tag)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))))
    assert np.array_equal(read(data, bits=8), expected) and decoding.orientation(data) == orientation
    wide = read(tiff(WIDE, extratags=tag))
    assert np.array_equal(wide, formats.turned(WIDE, orientation)) and wide.shape[:2] == expected.shape[:2]


RGBA = Image.fromarray(pixels(4), "RGBA")
PILLOWS = {
    **{f"tiff {mode}": saved(RGBA.convert(mode), "TIFF") for mode in ("1", "L", "RGB", "RGBA", "CMYK")},
    "tiff palette": saved(RGBA.convert("RGB").quantize(17), "TIFF"),
    "tiff LZW": saved(RGBA.convert("RGB").quantize(17), "TIFF", compression="tiff_lzw"),
    "tiff fax": saved(RGBA.convert("1"), "TIFF", compression="group4"),
    "tiff YCbCr": saved(RGBA.convert("RGB"), "TIFF", compression="jpeg", quality=95),
    "tiff white is zero": tiff(pixels()[..., 0], photometric="miniswhite"),
    "tiff premultiplied": tiff(pixels(4), photometric="rgb", extrasamples=["assocalpha"]),
    **{f"jpeg 2000 {mode}": saved(RGBA.convert(mode), "JPEG2000") for mode in ("L", "RGB", "RGBA")},
    "jpeg 2000 bare": saved(RGBA.convert("RGB"), "JPEG2000", no_jp2=True),
    **{f"avif {mode}": saved(RGBA.convert(mode), "AVIF") for mode in ("L", "RGB", "RGBA")},
    "avif turned": saved(
        RGBA.convert("RGB"), "AVIF", exif=b"Exif\0\0" + b"II*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0\6\0\0\0\0\0\0\0"
    ),
}


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("name", PILLOWS)
def test_pillow_sees_the_same(name, channels):
    data = PILLOWS[name]
    expected = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert(decoding.MODES[channels]))
    expected = expected.reshape(*expected.shape[:2], channels)
    assert np.abs(read(data, channels=channels, bits=8).astype(int) - expected).max() <= 1
    # the same files under names of other formats, in a source that knows of none of these
    misnamed = geometric.decode_trusted(tf.constant(data), channels=channels, exact=True).numpy()
    assert np.abs(misnamed.astype(int) - expected).max() <= 1


@pytest.mark.parametrize("quality", [-1, 90])
def test_heic_is_what_pillow_heif_makes_of_it(quality):
    heif = pytest.importorskip("pillow_heif")
    heif.register_heif_opener()
    data = saved(RGBA.convert("RGB"), "HEIF", quality=quality)
    assert np.array_equal(read(data, bits=8), np.asarray(Image.open(io.BytesIO(data)).convert("RGB")))
    assert formats.header(io.BytesIO(data)) == (3, 8)


def test_sixteen_bits_of_gray_are_kept_and_jpeg_2000_has_no_others():
    gray = values(9, 8)
    for kind in ("TIFF", "JPEG2000"):
        data = saved(Image.fromarray(gray), kind)
        assert np.array_equal(read(data)[..., 0], gray) and formats.header(io.BytesIO(data)) == (1, 16)
        assert np.array_equal(read(data, channels=3, bits=8), np.repeat((gray >> 8)[..., None], 3, -1))
    deep = pytest.importorskip("imagecodecs").jpeg2k_encode(values(9, 8, 3), level=0)
    with pytest.raises(ValueError, match="its 3 components have 16 bits, of which Pillow keeps 8"):
        decoding.opened(deep, channels=0, bits=16)


def test_sixteen_bits_of_color_and_inverted_gray():
    color, gray = values(9, 8, 3), values(9, 8)
    assert np.array_equal(read(tiff(color, photometric="rgb")), color)
    assert np.array_equal(read(tiff(gray, photometric="miniswhite"))[..., 0], 65535 - gray)


def test_alpha_is_told_from_a_fourth_band():
    array = values(6, 5, 4, dtype=np.uint8)
    color = tiff(array, photometric="rgb", extrasamples=["unassalpha"])
    assert np.array_equal(read(color, channels=3, bits=8), array[..., :3])
    for data in (tiff(array), written(np.save, array), tiff(array, photometric="rgb", extrasamples=["unspecified"])):
        assert np.array_equal(read(data, channels=4, bits=8), array)
        with pytest.raises(ValueError, match="it has 4 channels, and 3 are read"):
            decoding.opened(data, channels=3, bits=8)
    gray = tiff(array[..., :2], extrasamples=["unassalpha"])
    assert np.array_equal(read(gray, bits=8), array[..., :1]) and formats.header(io.BytesIO(gray)) == (1, 8)


def test_pages_are_refused_or_read_as_is_said():
    pages = values(3, 9, 8)
    data = written(tifffile.imwrite, pages, photometric="minisblack")
    with pytest.raises(ValueError, match=r"it has 3 pages, the first of 9 x 8 pixels: say how .*\?pages=channels"):
        decoding.opened(data, channels=0, bits=16)
    assert np.array_equal(read(data, Reading("first"))[..., 0], pages[0])
    assert np.array_equal(read(data, Reading("channels")), np.moveaxis(pages, 0, -1))
    assert formats.header(io.BytesIO(data), reading=Reading("channels")) == (3, 16)
    out = io.BytesIO()
    with tifffile.TiffWriter(out) as writer:
        writer.write(pages[0], photometric="minisblack", subifds=0)
        writer.write(pages[1][::2, ::2], photometric="minisblack", subfiletype=1)
    assert np.array_equal(read(out.getvalue())[..., 0], pages[0])
    stack = written(tifffile.imwrite, pages, imagej=True)
    assert np.array_equal(read(stack, Reading("channels")), np.moveaxis(pages, 0, -1))
    bare = written(tifffile.imwrite, pages, imagej=True, truncate=True)
    with pytest.raises(ValueError, match="a stack of ImageJ with 3 images and one page"):
        decoding.opened(bare, channels=0, bits=16)
    with tifffile.TiffWriter(out := io.BytesIO()) as writer:
        writer.write(pages[0], photometric="minisblack")
        writer.write(pages[1][::2, ::2], photometric="minisblack")
    with pytest.raises(ValueError, match="its 2 pages differ in size, bits or colors"):
        decoding.opened(out.getvalue(), channels=0, bits=16, reading=Reading("channels"))


def test_the_array_of_an_archive_is_the_only_one_or_the_one_that_is_named():
    array = values(9, 8, 12)
    one, two = written(np.savez_compressed, image=array), written(np.savez, image=array, mask=array[..., 0] > 9)
    assert np.array_equal(read(one), array) and formats.header(io.BytesIO(one)) == (12, 16)
    assert np.array_equal(read(two, Reading(key="image")), array)
    with pytest.raises(
        ValueError, match=r"it has 2 arrays \(image, mask\): name one, by \?key=image behind the dataset's path"
    ):
        decoding.opened(two, channels=0, bits=16)
    with pytest.raises(ValueError, match="no 'imag' in its arrays; did you mean image"):
        decoding.opened(two, channels=0, bits=16, reading=Reading(key="imag"))


def test_arrays_are_what_numpy_writes():
    for array in (values(3, 4, 12), values(30000, 1, 1, dtype=np.uint8)):
        assert arrays.written(array) == written(np.save, array)
    turned = np.asfortranarray(values(5, 6, 3))
    assert np.array_equal(read(written(np.save, turned)), turned)
    assert np.array_equal(read(written(np.save, turned.astype(">u2"))), turned)


def test_arrays_as_they_are_asked_for_cost_no_call_into_python(monkeypatch):
    array = values(9, 8, 12)
    data, other = written(np.save, array), tiff(array)
    calls, opened = [], decoding.opened
    monkeypatch.setattr(decoding, "opened", lambda data, **known: calls.append(data) or opened(data, **known))
    known = dict(channels=12, dtype=tf.uint16, exact=False, reading=Reading())
    files = decoding.simple(tf.constant([data, other, data]), **known).numpy().tolist()
    assert files == [data] * 3 and calls == [other]


BAD = {
    "floats": (written(np.save, values(5, 4).astype(np.float32)), "its values are float32, and those of images uint8"),
    "complex": (written(np.save, values(5, 4).astype(complex)), "its values are complex128"),
    "truth": (written(np.save, values(5, 4) > 9), "its values are bool"),
    "one axis": (written(np.save, values(5)), r"it has the shape \[5\], and images have \[h, w\]"),
    "a stack": (written(np.save, values(5, 4, 3, 2)), r"it has the shape \[5, 4, 3, 2\]"),
    "nothing": (written(np.save, values(0, 4, 3)), r"it has the shape \[0, 4, 3\]"),
    "objects": (written(np.save, np.array([[{}]]), allow_pickle=True), "Object arrays cannot be loaded"),
    "archive of texts": (written(np.savez, np.array("x")), "its values are <U1"),
    "tiff of floats": (tiff(values(5, 4).astype(np.float32)), "its values are float32"),
    "tiff of signed": (tiff(values(5, 4, 12).astype(np.int16)), "its values are int16"),
    "tiff of 32 bits": (tiff(values(5, 4).astype(np.uint32)), "its values are uint32"),
    "jpeg 2000 cut": (PILLOWS["jpeg 2000 RGB"][:200], "."),
    "avif cut": (PILLOWS["avif RGB"][:-50], "."),
    "archive cut": (written(np.savez, values(5, 4))[:200], "damaged|not a zip"),
    "tiff without pages": (b"II*\0\0\0\0\0", "it has no image"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_has_no_honest_reading_is_one_sentence(name):
    data, said = BAD[name]
    with pytest.raises(ValueError, match=said) as error:
        decoding.opened(data, channels=0, bits=16)
    assert "\n" not in str(error.value) and len(str(error.value)) > 5
    with pytest.raises((ValueError, tf.errors.OpError)):
        geometric.decode_trusted(tf.constant(data), channels=0, dtype=tf.uint16, reading=Reading())


@pytest.mark.parametrize("name", [*TIFFS, "rgb", "npy"])
def test_a_file_that_is_cut_off_is_never_an_image(name):
    data = {"rgb": tiff(pixels(), photometric="rgb"), "npy": written(np.save, WIDE)}.get(name) or TIFFS[name]
    for size in {*range(0, len(data) - 1, len(data) // 23), len(data) - 1}:
        with pytest.raises((ValueError, tf.errors.OpError)):
            geometric.decode_trusted(tf.constant(data[:size]), channels=0, dtype=tf.uint16, reading=Reading())


def test_a_tiff_that_claims_to_be_huge_is_refused_before_it_takes_memory():
    data = bytearray(tiff(values(4, 5)))
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        at = {tag.name: tag.valueoffset for tag in file.pages[0].tags}
    for name in ("ImageWidth", "ImageLength"):
        data[at[name] : at[name] + 4] = (2**31).to_bytes(4, "little")
    with pytest.raises(ValueError, match="it has 2147483648 x 2147483648 pixels, more than"):
        decoding.opened(bytes(data), channels=0, bits=16)


def dicom(array, *, bits=16, stored=None, interpretation="MONOCHROME2", modality="DX", **more):
    """A DICOM file, uncompressed."""
    meta = pydicom.dataset.FileMetaDataset()
    meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = pydicom.uid.SecondaryCaptureImageStorage, "1.2.3"
    made = pydicom.Dataset()
    made.file_meta = meta
    made.Modality, made.PhotometricInterpretation = modality, interpretation
    color = array.ndim == 3 and array.shape[-1] == 3
    made.SamplesPerPixel = 3 if color else 1
    if color:
        made.PlanarConfiguration = 0
    elif array.ndim == 3:
        made.NumberOfFrames = len(array)
    made.Rows, made.Columns = array.shape[:2] if color else array.shape[-2:]
    made.BitsAllocated, made.BitsStored = bits, stored or bits
    made.HighBit, made.PixelRepresentation = made.BitsStored - 1, int(array.dtype.kind == "i")
    for key, value in more.items():
        setattr(made, key, value)
    made.PixelData = array.tobytes()
    return written(pydicom.dcmwrite, made, enforce_file_format=True)


def test_stored_bits_of_an_x_ray_fill_the_range():
    array = values(9, 8, top=4095)
    array[0, :2] = 0, 4095
    found = read(dicom(array, stored=12))[..., 0]
    assert np.array_equal(found, np.floor(array * (65535 / 4095) + 0.5)) and found.max() == 65535
    assert np.array_equal(read(dicom(array, stored=12, interpretation="MONOCHROME1"))[..., 0], 65535 - found)
    assert formats.header(io.BytesIO(dicom(array, stored=12))) == (1, 16)
    eight = values(9, 8, dtype=np.uint8)
    assert np.array_equal(read(dicom(eight, bits=8), bits=8)[..., 0], eight)
    overlay = array | 0x8000
    assert np.array_equal(read(dicom(overlay, stored=12))[..., 0], found)


def test_units_of_a_scan_are_levels_in_every_file():
    units = np.random.default_rng(0).integers(-1000, 3000, (9, 8))
    stored = dicom((units + 1024).astype(np.uint16), stored=12, modality="CT", RescaleSlope=1, RescaleIntercept=-1024)
    signed = dicom(units.astype(np.int16), modality="CT", RescaleSlope="1", RescaleIntercept="0")
    coarse = dicom((units // 2 + 512).astype(np.uint16), modality="CT", RescaleSlope=2, RescaleIntercept=-1024)
    for data, expected in ((stored, units), (signed, units), (coarse, units // 2 * 2)):
        assert np.array_equal(read(data)[..., 0], expected + 1024) and formats.header(io.BytesIO(data)) == (1, 16)
    padding = dicom(np.full((9, 8), -2000, np.int16), modality="CT")
    assert not read(padding).any()


def test_colors_and_frames_of_dicom():
    color = values(6, 5, 3, dtype=np.uint8)
    assert np.array_equal(read(dicom(color, bits=8, interpretation="RGB"), bits=8), color)
    frames = values(4, 9, 8)
    assert np.array_equal(read(dicom(frames), Reading("channels")), np.moveaxis(frames, 0, -1))
    assert np.array_equal(read(dicom(frames), Reading("first"))[..., 0], frames[0])


@pytest.mark.parametrize(
    "said, options",
    [
        ("it has 4 frames: say how they are read", {}),
        ("its rescale slope is 0.3, finer than levels", dict(RescaleSlope="0.3", NumberOfFrames=1)),
        ("its colors are PALETTE COLOR of 16 bits", dict(interpretation="PALETTE COLOR", NumberOfFrames=1)),
        ("its largest value is .*, and levels reach 64511", dict(RescaleSlope="2", NumberOfFrames=1)),
    ],
)
def test_what_dicom_does_not_say_is_refused(said, options):
    with pytest.raises(ValueError, match=said):
        decoding.opened(dicom(values(4, 9, 8), **options), channels=0, bits=16)


def test_a_library_that_is_missing_is_named_with_its_extra(monkeypatch):
    real = formats.importlib.import_module

    def without(name, *args):
        if name in ("pydicom", "tifffile"):
            raise ImportError(name)
        return real(name, *args)

    monkeypatch.setattr(formats.importlib, "import_module", without)
    with pytest.raises(ValueError, match=re.escape("pydicom reads it: pip install 'ssl_jax[dicom]'")):
        decoding.opened(dicom(values(9, 8)), channels=0, bits=16)
    with pytest.raises(
        ValueError, match=re.escape("x has files .tif, which tifffile reads: pip install 'ssl_jax[tiff]'")
    ):
        formats.require({".png", ".tif"}, "x")
