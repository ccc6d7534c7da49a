"""Real files of every mode and format, decoded as Pillow decodes them; what is turned comes in upright."""

import io
import zlib
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageOps

from ssl_jax.views import decoding, geometric
from tests.odd_files import WIDTH, odd_files, pixels, png, saved, segment

SAMPLE = Path(__file__).parents[2] / "../shared/data/imagenet_sample"


def picture(h=37, w=50):
    """Smooth colors with a soft alpha."""
    y, x = np.mgrid[:h, :w]
    planes = [x * 5 % 256, y * 6 % 256, (x + y) * 2 % 256, 255 - x * 3 % 256]
    return Image.fromarray(np.stack(planes, -1).astype(np.uint8), "RGBA")


def files():
    p = picture()
    rgb, gray, palette = p.convert("RGB"), p.convert("L"), p.convert("RGB").quantize(17)
    yield "jpeg", saved(rgb, "JPEG")
    yield "jpeg gray", saved(gray, "JPEG")
    yield "jpeg progressive", saved(rgb, "JPEG", progressive=True)
    yield "jpeg 4:4:4", saved(rgb, "JPEG", subsampling=0)
    yield "jpeg cmyk", saved(rgb.convert("CMYK"), "JPEG")
    for mode in ("1", "L", "LA", "RGB", "RGBA"):
        yield f"png {mode}", saved(p.convert(mode), "PNG")
    for bits in (1, 2, 4, 8):
        yield f"png palette {bits}", saved(rgb.quantize(2**bits), "PNG", bits=bits)
    yield "png palette tRNS", saved(palette, "PNG", transparency=bytes(range(17)))
    yield "png rgb tRNS", saved(rgb, "PNG", transparency=(0, 0, 0))
    yield "png gamma", saved(rgb, "PNG", dpi=(72, 72))
    for mode in ("RGB", "RGBA"):
        yield f"webp {mode} lossless", saved(p.convert(mode), "WEBP", lossless=True)
        yield f"webp {mode}", saved(p.convert(mode), "WEBP")
    frames = dict(save_all=True, append_images=[gray.convert("RGB"), ImageOps.invert(rgb)], duration=40)
    yield "webp animated", saved(rgb, "WEBP", **frames)
    yield "png animated", saved(rgb, "PNG", **frames)
    yield "gif animated", saved(rgb, "GIF", **frames)
    yield "gif", saved(palette, "GIF")
    yield "gif transparent", saved(palette, "GIF", transparency=3)
    for mode in ("1", "L", "P", "RGB", "RGBA"):
        yield f"bmp {mode}", saved(palette if mode == "P" else p.convert(mode), "BMP")


FILES = {**dict(files()), **odd_files()}


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("name", FILES)
def test_every_kind_of_file_is_what_pillow_makes_of_it(name, channels):
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(FILES[name])))
    expected = np.asarray(upright.convert(decoding.MODES[channels]))
    expected = expected.reshape(*expected.shape[:2], channels)
    found = geometric.decode_trusted(tf.constant(FILES[name]), channels=channels, exact=True).numpy()
    assert found.shape == expected.shape
    assert np.abs(found.astype(int) - expected).max() <= 1
    image, ok = geometric.decode(tf.constant(FILES[name]), channels=channels)
    assert bool(ok) and image.shape == expected.shape


@pytest.mark.parametrize("name", ["png interlaced rgb", "png text behind", "bmp top down", "bmp masks 8-8-8"])
def test_files_made_byte_by_byte_are_what_they_were_made_of(name):
    assert np.array_equal(geometric.decode_trusted(tf.constant(FILES[name])).numpy(), pixels())


def test_what_is_turned_is_turned():
    """That Pillow sees the orientation in these files, so that the matrix compares what it means to."""
    ways = {name: geometric.decode_trusted(tf.constant(data)).shape for name, data in FILES.items() if "exif" in name}
    upright = {"jpeg exif, then xmp"}
    assert all((shape[0] == WIDTH) != (name in upright) for name, shape in ways.items()), ways


@pytest.mark.parametrize(
    "before, looks, rewrites",
    [
        ((), 0, 0),
        ((0xE2, 0xED, 0xFE), 1, 0),
        ((0xFE,) * 9, 1, 0),
        ((0xE1,), 1, 0),
        ((0xFE,) * 99, 2, 0),
        ((0xC9,), 2, 1),
    ],
)
def test_plain_files_cost_no_call_into_python_and_profiles_no_other_decoder(before, looks, rewrites, monkeypatch):
    plain, calls = FILES["jpeg"], []
    data = plain[:20] + b"".join(segment(kind, b"\xff\xda" * 99) for kind in before) + plain[20:]
    stands, opened = decoding.stands, decoding.opened
    monkeypatch.setattr(decoding, "stands", lambda data: calls.append("look") or stands(data))
    monkeypatch.setattr(decoding, "opened", lambda data, **known: calls.append("rewrite") or opened(plain, **known))
    files = decoding.simple(tf.constant([data, plain]), channels=3, dtype=tf.uint8, exact=False).numpy().tolist()
    assert files[1] == plain and (files[0] == data) == (not rewrites)
    assert (calls.count("look"), calls.count("rewrite")) == (looks, rewrites)


def test_what_cannot_be_read_is_an_empty_string_among_others():
    good, bad = FILES["webp RGB"], FILES["bmp L"][:90]
    files = decoding.simple(tf.constant([bad, good, b""]), channels=3, dtype=tf.uint8, exact=True).numpy()
    assert files[0] == files[2] == b"" and files[1].startswith(decoding.PNG)


def test_pairs_of_bytes_are_kept_and_their_transparent_color_has_no_alpha():
    values = np.random.default_rng(0).integers(0, 65536, (5, 7, 3))
    key = values[2, 3].astype(">u2").tobytes()
    data = tf.constant(png(values, bits=16, before=[(b"tRNS", key)]))
    found = geometric.decode_trusted(data, channels=4, dtype=tf.uint16).numpy()
    assert np.array_equal(found[..., :3], values)
    assert np.array_equal(np.argwhere(found[..., 3] == 0), [[2, 3]]) and (found[..., 3] >= 65535).sum() == 34
    interlaced = geometric.decode_trusted(tf.constant(png(values, bits=16, interlaced=True)), dtype=tf.uint16)
    assert np.array_equal(interlaced.numpy(), values)


def test_other_formats_are_named_as_such():
    data = saved(picture().convert("RGB"), "PCX")
    with pytest.raises((tf.errors.OpError, ValueError), match="no image of a known format begins like this"):
        geometric.decode_trusted(tf.constant(data))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_what_is_turned_comes_in_upright(kind, orientation):
    exif = Image.Exif()
    exif[decoding.ORIENTATION] = orientation
    data = saved(picture().convert("RGB"), kind, exif=exif)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB"))
    assert np.array_equal(geometric.decode_trusted(tf.constant(data), exact=True).numpy(), expected)
    fast = geometric.decode_trusted(tf.constant(data), exact=False).numpy().astype(int)
    assert fast.shape == expected.shape and np.abs(fast - expected).mean() <= (3 if kind == "JPEG" else 0)
    assert decoding.orientation(data) == orientation


@pytest.mark.parametrize("orientation", range(1, 9))
def test_sixteen_bits_are_turned_and_kept(orientation):
    pixels = np.random.default_rng(0).integers(0, 65536, (5, 7)).astype(np.uint16)
    exif = Image.Exif()
    exif[decoding.ORIENTATION] = orientation
    data = saved(Image.fromarray(pixels), "PNG", exif=exif)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))))
    found = geometric.decode_trusted(tf.constant(data), channels=1, dtype=tf.uint16)
    assert np.array_equal(found.numpy()[..., 0], expected)
    eight = geometric.decode_trusted(tf.constant(data), channels=3)
    assert np.array_equal(eight.numpy(), np.repeat((expected >> 8)[..., None], 3, -1))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "GIF"])
def test_too_many_pixels_are_unreadable(kind):
    data = bytearray(saved(picture().convert("L"), kind))
    if kind == "PNG":  # Pillow checks the header's checksum
        data[16:24] = (40000).to_bytes(4, "big") * 2
        data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
    elif kind == "JPEG":
        place = data.index(b"\xff\xc0") + 5
        data[place : place + 4] = (40000).to_bytes(2, "big") * 2
    elif kind == "BMP":
        data[18:26] = (40000).to_bytes(4, "little") * 2
    else:
        data[6:10] = (40000).to_bytes(2, "little") * 2
    with pytest.raises((tf.errors.OpError, ValueError), match="more than 134,217,728"):
        geometric.decode_trusted(tf.constant(bytes(data)), channels=1)


@pytest.mark.skipif(not SAMPLE.is_dir(), reason=f"no photographs in {SAMPLE}")
def test_photographs_are_within_one_level_of_pillow():
    paths = sorted(SAMPLE.rglob("*.JPEG"))[::10] + sorted(SAMPLE.rglob("*.jpg"))[::10]
    plain = 0
    for path in paths:
        data = path.read_bytes()
        expected = np.asarray(ImageOps.exif_transpose(Image.open(path)).convert("RGB")).astype(int)
        found = geometric.decode_trusted(tf.constant(data), exact=True).numpy()
        assert np.abs(found - expected).max() <= 1
        plain += bool(decoding.is_plain(tf.constant([data]), channels=3, dtype=tf.uint8)[0])
    assert plain > len(paths) / 2
