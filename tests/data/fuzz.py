"""Decodes mutated files through the library's own path: `python -m tests.data.fuzz COUNT` prints JSON at its end."""

import json
import os
import sys
import time

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy as np
import tensorflow as tf
from PIL import Image

from ssl_jax.views import geometric
from tests.odd_files import odd_files, saved

HEADERS = (b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", b"RIFF", b"BM", b"GIF89a")


def seeds(kind):
    """Valid files of a format: gray and color, still and animated where there is that, and of its odd layouts."""
    y, x = np.mgrid[:29, :41]
    color = Image.fromarray(np.stack([x * 6, y * 8, x + y], -1).astype(np.uint8))
    options = [dict(), dict(progressive=True)] if kind == "JPEG" else [dict()]
    for image in (color, color.convert("L"), color.quantize(9) if kind in ("PNG", "GIF", "BMP") else color):
        for option in options:
            yield saved(image, kind, **option)
    if kind in ("PNG", "GIF", "WEBP"):
        frames = [color.rotate(90), color.rotate(180)]
        yield saved(color, kind, save_all=True, append_images=frames, duration=20)
    yield from (data for name, data in odd_files().items() if name.startswith(kind.lower()) and len(data) < 10_000)


def mutated(data, rng):
    """One of: flipped bits, a cut, a part moved, a changed length field, another format's beginning."""
    out, way = bytearray(data), rng.integers(5)
    if way == 0:
        for place in rng.integers(0, len(out), rng.integers(1, 12)):
            out[place] ^= 1 << rng.integers(8)
    elif way == 1:
        del out[rng.integers(1, len(out)) :]
    elif way == 2:
        a, b, to = sorted(rng.integers(0, len(out), 2)) + [rng.integers(0, len(out))]
        out[to:to] = out[a:b]
    elif way == 3:
        place = rng.integers(0, min(len(out) - 4, 200))
        out[place : place + 4] = rng.choice([b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\x40\0"])
    else:
        head = HEADERS[rng.integers(len(HEADERS))]
        out[: len(head)] = head
    return bytes(out)


def main(count):
    """Counts of readable and unreadable files for each format, and the longest time that one took."""
    decode = tf.function(geometric.decode, input_signature=[tf.TensorSpec([], tf.string)], autograph=False)
    report = {}
    for number, kind in enumerate(("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "JPEG2000", "AVIF")):
        rng, known = np.random.default_rng(number), list(seeds(kind))
        row = {"files": 0, "readable": 0, "unreadable": 0, "slowest_seconds": 0.0}
        for k in range(count):
            begin = time.perf_counter()
            image, ok = decode(tf.constant(mutated(known[k % len(known)], rng)))
            row["files"] += 1
            row["readable" if bool(ok) else "unreadable"] += 1
            row["slowest_seconds"] = round(max(row["slowest_seconds"], time.perf_counter() - begin), 3)
        report[kind] = row
    print(json.dumps(report))


if __name__ == "__main__":
    main(int(sys.argv[1]))
