"""TFDS directories: real TFRecord sets, and small ones made here in both formats."""

import io
import re

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from PIL import Image

from ssl_jax.data import sources, tfds_source
from ssl_jax.data.source import read_image, read_rows
from tests import tfds_sets
from tests.tfds_sets import TFDS, real

PIXELS = np.random.default_rng(0).integers(0, 65536, (11, 6, 5, 1)).astype(np.uint16)


def make(folder, form, pixels=PIXELS):
    """A prepared dataset `little` of 11 images of 16 bits."""
    features = {"other": np.int64, "picture": tfds.features.Image(shape=(6, 5, 1), dtype=np.uint16)}
    features["kind"] = tfds.features.ClassLabel(names=["a", "b", "c"])
    rows = [{"other": k, "picture": pixels[k], "kind": k % 3} for k in range(11)]
    return tfds_sets.store(folder, features, rows, form)


@pytest.fixture(scope="module", params=["tfrecord", "array_record"])
def little(request, tmp_path_factory):
    if request.param == "array_record":
        pytest.importorskip("array_record")
    return make(tmp_path_factory.mktemp(request.param), request.param)


def images(source, indices):
    rows = [read_rows(source, tf.constant([k], tf.int64)) for k in indices]
    return [(image.numpy(), int(label)) for image, label in (read_image(source, *(x[0] for x in r)) for r in rows)]


def test_both_formats_give_the_images_and_labels(little):
    source = sources.open("tfds:little", data_dir=little)
    assert (source.size, source.image.channels, source.image.bits, source.classes) == (11, 1, 16, ("a", "b", "c"))
    for k, (image, label) in enumerate(images(source, range(11))):
        assert np.array_equal(image, PIXELS[k]) and label == k % 3
    assert source.labels is None or source.labels.tolist() == [k % 3 for k in range(11)]
    assert sources.labeled(source), "classes are known, also where labels are only read with the examples"
    for stored, k in zip(sources.images(source, [7, 0]), (7, 0), strict=True):
        assert np.array_equal(stored, PIXELS[k])


def test_sub_splits(little):
    source = sources.open("tfds:little/train[3:7]", data_dir=little)
    assert source.size == 4 and source.name == "tfds:little/train[3:7]"
    assert [label for _, label in images(source, range(4))] == [0, 1, 2, 0]
    assert source.digest != sources.open("tfds:little", data_dir=little).digest


def test_large_tfrecord_sets_are_refused_but_can_be_scanned(tmp_path, monkeypatch):
    monkeypatch.setattr(tfds_source, "MEMORY", 100)
    directory = make(tmp_path, "tfrecord")
    said = "convert it once with `ssl-jax data convert tfds:little/train --to=arrayrecord:DIR` and train on"
    with pytest.raises(ValueError, match=re.escape(said)):
        sources.open("tfds:little", data_dir=directory)
    for text, first in (("tfds:little", 0), ("tfds:little/train[2:5]+train[8:]", 2)):
        source = sources.open(text, data_dir=directory, scan=True)
        wanted = [k % 3 for k in ([*range(11)] if first == 0 else [2, 3, 4, 8, 9, 10])]
        for start, stop in ((0, source.size), (1, 5)):
            assert [int(label) for _, label in source.scan(start, stop)] == wanted[start:stop]


@real
def test_cifar10_as_it_is():
    source = sources.open("tfds:cifar10/train[:1000]", data_dir=str(TFDS))
    assert (source.size, source.image.channels, source.classes[3]) == (1000, 3, "cat")
    skip = {"image": tfds.decode.SkipDecoding()}
    options = dict(data_dir=str(TFDS), shuffle_files=False, as_supervised=True, decoders=skip)
    expected = tfds.load("cifar10", split="train[:1000]", **options)
    for k, (data, label) in enumerate(expected.take(3).as_numpy_iterator()):
        image = np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)
        assert np.abs(images(source, [k])[0][0] - image).max() <= 1 and source.labels[k] == label


@real
@pytest.mark.parametrize(
    "text, said",
    [
        (
            "tfds:cifar11",
            "no 'cifar11' in tensorflow_datasets; did you mean cifar10_1 or cifar10 or ",
        ),
        ("tfds:cifar10/trian", "tfds:cifar10/trian: no split 'trian'; there are test (10000), train (50000)"),
        ("tfds:cifar10/train[:0]", "the split is empty"),
        ("tfds:mnist", "tfds:mnist/train is not prepared in"),
    ],
)
def test_what_is_not_there_is_one_sentence(text, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        sources.open(text, data_dir=str(TFDS))
