"""Folders of images: classes, no classes, order, channels, bits."""

import numpy as np
import pytest
import tensorflow as tf

from ssl_jax.data.folder import folder
from ssl_jax.data.source import labeled, read_image


def fill(root, paths, channels=3, dtype=np.uint8):
    top = np.iinfo(dtype).max
    for k, path in enumerate(paths):
        pixels = np.random.default_rng(k).integers(0, top, (6, 5, channels)).astype(dtype)
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        encode = tf.io.encode_jpeg if path.lower().endswith((".jpg", ".jpeg")) else tf.io.encode_png
        (root / path).write_bytes(encode(pixels).numpy())
    return folder(str(root))


def read(source, index):
    return read_image(source, tf.constant(index, tf.int64))


def test_classes_are_the_first_folders_in_sorted_order(tmp_path):
    source = fill(tmp_path, ["b/2.png", "a/deep/er/1.JPG", "b/10.jpeg", "c/x.png", "loose.png", "c/.hidden.png"])
    (tmp_path / "c" / "notes.txt").write_text("no image")
    assert [source.describe(k)[len(str(tmp_path)) + 1 :] for k in range(source.size)] == [
        "a/deep/er/1.JPG",
        "b/10.jpeg",
        "b/2.png",
        "c/x.png",
        "loose.png",
    ]
    assert source.classes == ("a", "b", "c") and source.labels.tolist() == [0, 1, 1, 2, -1]
    assert [int(read(source, k)[1]) for k in range(5)] == [0, 1, 1, 2, -1]
    assert folder(str(tmp_path)).digest == source.digest


def test_a_folder_without_classes_has_no_labels(tmp_path):
    source = fill(tmp_path, ["x.png", "y.png"])
    assert source.classes == () and source.labels.tolist() == [-1, -1] and not labeled(source)


@pytest.mark.parametrize("channels, dtype", [(1, np.uint8), (1, np.uint16), (3, np.uint16), (4, np.uint8)])
def test_channels_and_bits_are_those_of_the_files(tmp_path, channels, dtype):
    source = fill(tmp_path, ["x.png", "y.png"], channels, dtype)
    assert (source.image.channels, source.image.bits) == (channels, 8 * dtype().itemsize)
    expected = np.random.default_rng(1).integers(0, np.iinfo(dtype).max, (6, 5, channels)).astype(dtype)
    image = read(source, 1)[0].numpy()
    assert image.dtype == dtype and np.array_equal(image, expected)


def test_gray_among_color_is_read_as_color(tmp_path):
    fill(tmp_path, ["x.jpg"], 1)
    source = fill(tmp_path, ["y.jpg"], 3)
    assert (source.image.channels, read(source, 0)[0].shape) == (3, (6, 5, 3))
    assert read(folder(str(tmp_path), channels=1), 1)[0].shape == (6, 5, 1)


def test_what_is_missing_is_one_sentence(tmp_path):
    (tmp_path / "images").mkdir()
    with pytest.raises(ValueError, match="no images there; those that are looked for end in .png"):
        folder(str(tmp_path))
    with pytest.raises(ValueError, match="no '.*' in .*; did you mean images?"):
        folder(str(tmp_path / "imagse"))
    (tmp_path / "set").mkdir()
    for split in ("train", "val"):
        (tmp_path / "set" / split).mkdir()
        (tmp_path / "set" / split / "x.png").write_bytes(b"")
    with pytest.raises(ValueError, match="holds the splits train, val: name one, as in folder:.*/set/train"):
        folder(str(tmp_path / "set"))


def test_color_behind_many_gray_files_stays_color(tmp_path):
    fill(tmp_path, [f"{k:03d}.png" for k in range(100)], 1)
    source = fill(tmp_path, ["050.png"], 3)
    assert (source.image.channels, source.image.bits) == (3, 8)
    assert "100 of 100 files tell of 99 of 1 channels and 8 bits, 1 of 3 channels" in source.notices[0]
    chosen = folder(str(tmp_path), channels=1, bits=16)
    assert (chosen.image.channels, chosen.image.bits, chosen.notices) == (1, 16, ())
    assert read(chosen, 50)[0].dtype == np.uint16


def test_a_sample_of_the_headers_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr("ssl_jax.data.headers.PROBES", 5)
    source = fill(tmp_path, [f"{k}.png" for k in range(9)])
    assert "those of the headers of 5 of 9 files; all are read as 3 channels of 8 bits" in source.notices[0]
