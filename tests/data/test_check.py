"""The report equals what numpy says about the same images."""

import io
import json

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from rich.console import Console

from ssl_jax.data import check, convert, parts, sources
from ssl_jax.data.folder import folder


def test_the_report_of_a_folder(tmp_path):
    images = [np.random.default_rng(k).integers(0, 256, (4 + k, 9, 3), np.uint8) for k in range(40)]
    for k, image in enumerate(images):
        path = tmp_path / ("cat" if k % 4 else "dog") / f"{k:02d}.png"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(tf.io.encode_png(image).numpy())
    (tmp_path / "dog" / "04.png").write_bytes(b"garbage")
    (tmp_path / "dog" / "08.png").write_bytes(tf.io.encode_png(images[8][..., :1]).numpy())
    images[8] = np.repeat(images[8][..., :1], 3, -1)
    source = folder(str(tmp_path), channels=3)
    report = check.check(source)
    good = np.concatenate([image.reshape(-1, 3) for k, image in enumerate(images) if k != 4]) / 255
    assert np.allclose(report["mean"], good.mean(0), atol=1e-12) and np.allclose(report["std"], good.std(0), atol=1e-12)
    assert [entry["name"].endswith("dog/04.png") for entry in report["corrupt"]] == [True]
    assert (report["examples"], report["readable"], report["labels"]) == (40, 39, {"cat": 30, "dog": 9})
    assert (report["height"], report["width"], report["channels"]) == ([4, 24, 43], [9, 9, 9], {1: 1, 3: 38})
    json.dumps(report)
    console = Console(record=True, width=300, file=io.StringIO())
    console.print(check.table(report))
    assert "dog/04.png" in console.export_text()


def test_arrays_of_sixteen_bits_without_labels():
    images = np.random.default_rng(0).integers(0, 65536, (5, 3, 4, 2)).astype(np.uint16)
    report = check.check(sources.arrays(images))
    assert np.allclose(report["mean"], (images / 65535).mean((0, 1, 2)), atol=1e-12)
    assert report["labels"] == {"": 5} and report["channels"] == {2: 5} and report["corrupt"] == []


def test_turned_images_are_counted_and_corrupt_ones_have_a_reason(tmp_path):
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (6, 9, 3), np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save(tmp_path / "a.jpg", exif=exif)
    image.save(tmp_path / "b.jpg")
    image.save(tmp_path / "c.webp", save_all=True, append_images=[image.rotate(90)])
    (tmp_path / "d.png").write_bytes(b"garbage")
    (tmp_path / "e.jpg").write_bytes((tmp_path / "b.jpg").read_bytes()[:500])
    report = check.check(folder(str(tmp_path)))
    assert report["turned"] == 1 and report["height"] == [6, 6, 9] and report["readable"] == 3
    names, reasons = zip(*((entry["name"], entry["reason"]) for entry in report["corrupt"]), strict=True)
    assert names[0].endswith("d.png") and names[1].endswith("e.jpg")
    assert "begins like this" in reasons[0] and len(reasons[1]) > 10
    assert not any("\n" in reason or "{{" in reason or "__wrapped__" in reason for reason in reasons)


def test_other_parts_than_images_are_said_or_left_out(tmp_path):
    """A check looks at the images of pairs; a conversion would lose their texts."""
    source = sources.arrays(np.random.default_rng(0).integers(0, 256, (8, 5, 4, 3), np.uint8))
    captions = tf.constant(list("abcdefgh"))

    def gather(index):
        raw, label = tf.map_fn(source.read, index, fn_output_signature=(tf.uint8, tf.int32))
        return {"image": tf.ensure_shape(raw, [None, 5, 4, 3]), "text": tf.gather(captions, index)}, label

    pairs = source._replace(gather=gather, parts={**source.parts, "text": parts.Text()})
    assert check.check(pairs)["channels"] == check.check(source)["channels"]
    with pytest.raises(ValueError, match="has image and text; what is converted has images alone"):
        convert.convert(pairs, str(tmp_path / "out"))
    with pytest.raises(ValueError, match="has no images; an example of it has text"):
        check.check(pairs._replace(parts={"text": parts.Text()}))
