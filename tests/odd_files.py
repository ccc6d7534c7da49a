"""Files of the layouts that Pillow does not write: made byte by byte, or by libjpeg's `cjpeg`, of one small picture.

`tests/files/*.jpg` are `cjpeg -arithmetic`, `cjpeg -sample 4x2` (4:1:0) and `cjpeg -sample 1x2` (4:4:0) of squares of
saturated colors, whose chroma leaves 0..255 when it is decoded.
"""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

HEIGHT, WIDTH = 21, 34
ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
"""The first column and row of each pass of an interlaced PNG, and its steps along columns and rows."""


def pixels(channels=3):
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    planes = [x * 7 % 256, y * 11 % 256, (x + y) * 4 % 256, 255 - x * 5 % 256]
    return np.stack(planes[:channels], -1).astype(np.uint8)


def odd_files():
    """name -> bytes, of files that Pillow reads."""
    files = {f"jpeg {path.stem}": path.read_bytes() for path in sorted((Path(__file__).parent / "files").glob("*.jpg"))}
    return {**files, **jpegs(), **pngs(), **bmps(), **gifs()}


def saved(image, kind, **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def exif(orientation, thumbnail=0):
    """An EXIF block of little-endian TIFF; with a second directory, that of a thumbnail, if this has an orientation."""
    entry = lambda way: struct.pack("<HHHIHH", 1, 0x0112, 3, 1, way, 0)  # noqa: E731
    second = struct.pack("<I", 26 if thumbnail else 0) + (entry(thumbnail) + bytes(4) if thumbnail else b"")
    return b"II*\0" + struct.pack("<I", 8) + entry(orientation) + second


def xmp(orientation):
    return b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><r:D tiff:Orientation="%d"/></x:xmpmeta>' % orientation


def segment(kind, body):
    return struct.pack(">BBH", 0xFF, kind, len(body) + 2) + body


def jpegs():
    rgb = Image.fromarray(pixels())
    plain = saved(rgb, "JPEG")
    cmyk = saved(Image.fromarray(pixels(4), "CMYK"), "JPEG")
    adobe = cmyk.index(b"Adobe") + 11
    app1 = lambda way, **more: segment(0xE1, b"Exif\0\0" + exif(way, **more))  # noqa: E731
    words = lambda way: segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + xmp(way))  # noqa: E731
    profile = segment(0xE2, b"ICC_PROFILE\0\1\1" + bytes(60000))
    behind = plain.index(b"\xff\xc0") + 19

    def put(at, *parts):
        return plain[:at] + b"".join(parts) + plain[at:]

    return {
        "jpeg ycck": cmyk[:adobe] + b"\2" + cmyk[adobe + 1 :],
        "jpeg saturated": saved(Image.fromarray(pixels() // 128 * 255), "JPEG", quality=5),
        "jpeg 60 kB of profile before exif": put(20, profile, app1(6)),
        "jpeg exif behind comments": put(20, segment(0xFE, b"a"), segment(0xFE, b"b"), app1(8)),
        "jpeg exif behind the frame": put(behind, app1(6)),
        "jpeg xmp behind the frame": put(behind, words(6)),
        "jpeg two exif": put(20, app1(6), app1(3)),
        "jpeg upright, then turned": put(20, app1(1), app1(3)),
        "jpeg thumbnail turned": put(20, app1(6, thumbnail=3)),
        "jpeg xmp alone": put(20, words(8)),
        "jpeg exif, then xmp": put(20, app1(3), words(8)),
        "jpeg xmp upright": put(20, words(1)),
        "jpeg empty exif, then xmp": put(20, segment(0xE1, b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0"), words(6)),
        "jpeg many comments": put(20, *[segment(0xFE, b"%d" % k) for k in range(9)]),
        "jpeg many comments, then exif": put(20, *[segment(0xFE, b"%d" % k) for k in range(9)], app1(5)),
        "jpeg no jfif": plain[:2] + plain[20:],
        "jpeg application 14": put(20, segment(0xEE, b"Adobe\0\x64\0\0\0\0\1")),
        "jpeg of several": saved(rgb, "MPO", save_all=True, append_images=[rgb.rotate(180)]),
    }


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def packed(rows, bits):
    """Integers [h, w] or [h, w, c] of so many bits -> a PNG's lines, unfiltered."""
    flat = rows.reshape(rows.shape[0], -1)
    if bits == 16:
        lines = flat.astype(">u2").view(np.uint8).reshape(flat.shape[0], -1)
    else:
        planes = (flat[..., None] >> np.arange(bits - 1, -1, -1)) & 1
        lines = np.packbits(planes.reshape(flat.shape[0], -1).astype(np.uint8), axis=1)
    return b"".join(b"\0" + line.tobytes() for line in lines)


def png(values, *, bits=8, color=2, interlaced=False, before=(), behind=()):
    """A PNG of integers, with further chunks before and behind its picture."""
    h, w = values.shape[:2]
    passes = [values[y::dy, x::dx] for x, y, dx, dy in ADAM7] if interlaced else [values]
    lines = b"".join(packed(part, bits) for part in passes if part.size)
    header = struct.pack(">IIBBBBB", w, h, bits, color, 0, 0, int(interlaced))
    parts = [(b"IHDR", header), *before, (b"IDAT", zlib.compress(lines)), *behind, (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def pngs():
    rgb, rgba, gray = pixels(), pixels(4), pixels(1)[..., 0].astype(int)
    text = b"XML:com.adobe.xmp\0\0\0\0\0" + xmp(6)
    profile = b"\nexif\n%8d\n" % (len(exif(6)) + 6) + (b"Exif\0\0" + exif(6)).hex().encode() + b"\n"
    raw = b"Raw profile type exif\0\0" + zlib.compress(profile)
    files = {
        "png eXIf behind": png(rgb, behind=[(b"eXIf", exif(6))]),
        "png eXIf before": png(rgb, before=[(b"eXIf", exif(8))]),
        "png xmp behind": png(rgb, behind=[(b"iTXt", text)]),
        "png xmp before": png(rgb, before=[(b"iTXt", text)]),
        "png raw profile behind": png(rgb, behind=[(b"zTXt", raw)]),
        "png text behind": png(rgb, behind=[(b"tEXt", b"Title\0of an exif and xmp")]),
        "png gamma before": png(rgb, before=[(b"gAMA", struct.pack(">I", 45455)), (b"sRGB", b"\0")]),
        "png rgb tRNS": png(rgb, before=[(b"tRNS", struct.pack(">HHH", *map(int, rgb[3, 5])))]),
        "png gray tRNS": png(gray, color=0, before=[(b"tRNS", struct.pack(">H", int(gray[3, 5])))]),
    }
    for name, values, color in (("rgb", rgb, 2), ("rgba", rgba, 6), ("gray", gray, 0)):
        files[f"png interlaced {name}"] = png(values, color=color, interlaced=True)
    for bits in (1, 2, 4):
        low = gray >> (8 - bits)
        files[f"png gray {bits}"] = png(low, bits=bits, color=0)
        files[f"png gray {bits} interlaced"] = png(low, bits=bits, color=0, interlaced=True)
        files[f"png gray {bits} tRNS"] = png(low, bits=bits, color=0, before=[(b"tRNS", b"\0\1")])
    return files


def bmp(body, *, bits, rule=0, height=HEIGHT, masks=b"", palette=b""):
    """A Windows bitmap; rule: 0 plain, 1 and 2 run lengths of 8 and 4 bits, 3 masks. A negative height: top down."""
    sizes = struct.pack("<IiiHHIIiiII", 40, WIDTH, height, 1, bits, rule, len(body), 0, 0, len(palette) // 4, 0)
    start = 14 + len(sizes) + len(masks) + len(palette)
    return b"BM" + struct.pack("<IHHI", start + len(body), 0, 0, start) + sizes + masks + palette + body


def bmps():
    rgb = pixels()
    lines = lambda rows: b"".join(row.tobytes() + bytes(-row.nbytes % 4) for row in rows)  # noqa: E731
    r, g, b = (rgb[..., k].astype(np.uint16) >> 3 for k in range(3))
    index = (np.mgrid[:HEIGHT, :WIDTH].sum(0) // 5 % 16).astype(np.uint8)
    palette = b"".join(bytes([k * 16, 255 - k * 9, k * 5, 0]) for k in range(16))
    short = b"".join(palette[4 * k : 4 * k + 3] for k in range(16))
    runs8 = b"".join(b"".join(bytes([1, v]) for v in row) + b"\0\0" for row in index[::-1].tolist()) + b"\0\1"
    runs4 = b"".join(b"".join(bytes([1, v * 17]) for v in row) + b"\0\0" for row in index[::-1].tolist()) + b"\0\1"
    nibbles = (index[:, ::2] << 4 | index[:, 1::2])[::-1]
    nibbles = np.pad(nibbles, ((0, 0), (0, -nibbles.shape[1] % 4)))
    old = struct.pack("<IHHHH", 12, WIDTH, HEIGHT, 1, 4)
    return {
        "bmp top down": bmp(lines(rgb[..., ::-1]), bits=24, height=-HEIGHT),
        "bmp 5-5-5": bmp(lines((r << 10 | g << 5 | b)[::-1]), bits=16),
        "bmp masks 5-6-5": bmp(
            lines((r << 11 | g << 6 | b)[::-1]), bits=16, rule=3, masks=struct.pack("<III", 0xF800, 0x7E0, 0x1F)
        ),
        "bmp masks 8-8-8": bmp(
            lines(np.pad(rgb[..., ::-1], ((0, 0), (0, 0), (1, 0)))[::-1]),
            bits=32,
            rule=3,
            masks=struct.pack("<III", 0xFF000000, 0xFF0000, 0xFF00),
        ),
        "bmp run lengths 8": bmp(runs8, bits=8, rule=1, palette=palette),
        "bmp run lengths 4": bmp(runs4, bits=4, rule=2, palette=palette),
        "bmp 4": bmp(nibbles.tobytes(), bits=4, palette=palette),
        "bmp of OS/2": b"BM" + struct.pack("<IHHI", 0, 0, 0, 26 + 48) + old + short + nibbles.tobytes(),
    }


def gifs():
    still = saved(Image.fromarray(pixels()).quantize(17), "GIF")
    wide = still[:6] + struct.pack("<HH", WIDTH + 9, HEIGHT + 5) + still[10:]
    at = wide.index(b",\0\0\0\0") + 1
    clear = saved(Image.fromarray(pixels()).quantize(17), "GIF", transparency=3)
    return {
        "gif partial frame": wide,
        "gif frame with offset": wide[:at] + struct.pack("<HH", 4, 3) + wide[at + 4 :],
        "gif transparent": clear,
        "gif interlaced": saved(Image.fromarray(pixels()).quantize(17), "GIF", interlace=1),
    }
