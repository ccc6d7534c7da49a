"""Labels of a test set are those of its training set by name, for every pair of kinds of sources."""

import itertools
import json
import lzma

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from PIL import Image

from ssl_jax.data import classes, convert, embedded_source, sources
from ssl_jax.data.source import in_order, read_image, read_rows
from tests import tfds_sets
from tests.tfds_sets import TFDS, real

SHADES = {"a": 10, "b": 90, "c": 170, "d": 240}
"""The gray of each class, by which a test knows what an image shows."""


def folder(root, names, empty=()):
    for name in (*names, *empty):
        (root / name).mkdir(parents=True)
    for name in names:
        for k in range(3):
            Image.fromarray(np.full((8, 8), SHADES[name] + k, np.uint8)).save(root / name / f"{k}.png")
    return sources.open(f"folder:{root}")


def arrays(names):
    images = np.concatenate([np.full((3, 8, 8, 1), SHADES[name], np.uint8) for name in names])
    return sources.arrays(images, np.repeat(np.arange(len(names)), 3), name="own", classes=tuple(names))


def shards(root, names):
    convert.convert(folder(root / "in", names), str(root / "out"))
    return sources.open(f"arrayrecord:{root}/out")


def prepared(root, names, form="tfrecord"):
    """A set as tensorflow_datasets writes it; classes have the order in which they are named."""
    features = {"image": tfds.features.Image(shape=(8, 8, 1)), "label": tfds.features.ClassLabel(names=list(names))}
    shades = [(name, np.full((8, 8, 1), SHADES[name] + k, np.uint8)) for name in names for k in range(3)]
    rows = [{"image": image, "label": names.index(name)} for name, image in shades]
    return sources.open("tfds:little", data_dir=tfds_sets.store(root, features, rows, form))


def packed(root, names):
    """A set as the package carries it."""
    root.mkdir(parents=True)
    card = {"classes": names, "shape": [8, 8, 1], "splits": {"train": 3}}
    (root / "little.json").write_text(json.dumps(card))
    images = np.concatenate([np.full((3, 8, 8, 1), SHADES[name], np.uint8) for name in names])
    (root / "little_train.xz").write_bytes(lzma.compress(images.tobytes()))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(embedded_source, "HERE", root)
        embedded_source.pixels.cache_clear()
        source = sources.open("embedded:little")
        embedded_source.pixels.cache_clear()
    return source


def read_only(source):
    """A source whose labels are known only by reading."""
    return source._replace(labels=None)


KINDS = {
    "folder": folder,
    "arrayrecord": shards,
    "tfds": prepared,
    "tfds in arrayrecord": lambda root, names: prepared(root, names, "array_record"),
    "embedded": packed,
    "own": lambda root, names: arrays(names),
    "read only": lambda root, names: read_only(arrays(names)),
    "shards read only": lambda root, names: read_only(shards(root, names)),
}
ORDERED = {kind: KINDS[kind] for kind in ("tfds", "tfds in arrayrecord", "embedded", "own")}
"""Kinds whose classes need not be in the order of the alphabet."""


def read(source):
    """The images and labels, read one by one."""
    for index in range(source.size):
        row = read_rows(source, tf.constant([index], tf.int64))
        image, label = read_image(source, *(part[0] for part in row))
        yield image.numpy(), int(label)


def shown(source) -> dict[str, set[int]]:
    """The labels with which each class is read, by what the images show."""
    found = {name: set() for name in SHADES}
    for image, label in read(source):
        name = min(SHADES, key=lambda name: abs(SHADES[name] - int(image[0, 0, 0])))
        found[name].add(label)
    return {name: labels for name, labels in found.items() if labels}


@pytest.mark.parametrize("train, test", list(itertools.product(KINDS, KINDS)))
def test_names_decide_for_every_pair(tmp_path, train, test):
    first, second = KINDS[train](tmp_path / "train", ["a", "b", "c"]), KINDS[test](tmp_path / "test", ["b", "c", "d"])
    mapped, said = classes.alike(first, second)
    assert mapped.classes == ("a", "b", "c")
    assert shown(mapped) == {"b": {1}, "c": {2}, "d": {classes.OTHER}}
    if mapped.labels is not None:
        assert [shown(sources.subset(mapped, [i])) for i in (0, 8)] == [{"b": {1}}, {"d": {classes.OTHER}}]
        assert sorted(mapped.labels.tolist()) == [classes.OTHER] * 3 + [1] * 3 + [2] * 3
    assert len(said) == 1 and said[0].endswith("lacks take no part in any score: d")
    assert ("3 examples" in said[0]) == (mapped.labels is not None)


@pytest.mark.parametrize("train, test", list(itertools.product(ORDERED, KINDS)))
def test_names_decide_where_the_order_is_another(tmp_path, train, test):
    first, second = ORDERED[train](tmp_path / "train", ["d", "b", "a"]), KINDS[test](tmp_path / "test", ["a", "b", "d"])
    mapped, said = classes.alike(first, second)
    assert mapped.classes == ("d", "b", "a") and said == ()
    assert shown(mapped) == {"a": {2}, "b": {1}, "d": {0}}


def test_a_test_set_with_one_class_or_with_an_empty_one(tmp_path):
    train = folder(tmp_path / "train", ["a", "b"])
    alone, said = classes.alike(train, folder(tmp_path / "alone", ["b"]))
    assert shown(alone) == {"b": {1}} and said == ()
    empty, said = classes.alike(train, folder(tmp_path / "empty", ["b"], empty=["a"]))
    assert shown(empty) == {"b": {1}} and said == ()


def test_real_sets_of_one_name_for_each_class(tmp_path):
    test = sources.open("embedded:fashion_mnist/test")
    names = test.classes[::-1]
    train = sources.arrays(np.zeros((10, 8, 8, 1), np.uint8), np.arange(10), classes=names)
    mapped, said = classes.alike(train, test)
    assert said == () and np.array_equal(mapped.labels, 9 - test.labels)
    label = read_image(mapped, tf.constant(3, tf.int64))[1]
    assert names[int(label)] == test.classes[test.labels[3]]


REAL = [
    "embedded:fashion_mnist/test",
    pytest.param("tfds:fashion_mnist/test[:60]", marks=real),
    pytest.param("tfds:cifar10/test[:60]", marks=real),
]


@pytest.mark.parametrize("text", REAL)
@pytest.mark.parametrize("kind", ["folder", "arrayrecord"])
def test_real_sets_and_a_folder_or_shards_of_some_of_their_images(tmp_path, text, kind):
    """Two of ten classes, with other numbers, and one of its own: labels are right whichever of both is trained on."""
    given = sources.subset(sources.open(text, data_dir=str(TFDS)), np.arange(60))
    own, names = "Aardvark", sorted(given.classes[k] for k in (9, 4))
    chosen = [k for k in range(60) if given.classes[given.labels[k]] in names]
    for index, image in zip(chosen, sources.images(given, chosen), strict=True):
        for name in {given.classes[given.labels[index]], *([own] if index == chosen[0] else [])}:
            (tmp_path / "in" / name).mkdir(parents=True, exist_ok=True)
            Image.fromarray(image.squeeze()).save(tmp_path / "in" / name / f"{index:02d}.png")
    copy = sources.open(f"folder:{tmp_path}/in")
    if kind == "arrayrecord":
        convert.convert(copy, str(tmp_path / "out"))
        copy = sources.open(f"arrayrecord:{tmp_path}/out")
    assert copy.classes == (own, *names)

    tested, said = classes.alike(given, copy)
    pixels = {image.tobytes(): given.labels[k] for k, image in enumerate(sources.images(given, np.arange(60)))}
    (first, label), *rest = list(read(tested))
    assert label == classes.OTHER and first.tobytes() in pixels
    assert len(rest) == len(chosen) and all(label == pixels[image.tobytes()] for image, label in rest)
    assert len(said) == 1 and said[0].endswith(f"lacks take no part in any score: {own}")

    tested, said = classes.alike(copy, given)
    expected = [{names[0]: 1, names[1]: 2}.get(given.classes[k], classes.OTHER) for k in given.labels]
    assert tested.labels.tolist() == expected == [label for _, label in read(tested)]
    assert len(said) == 1 and said[0].endswith("8 in all")


def test_unlabeled_examples_stay_unlabeled():
    test = arrays(["b", "a"])._replace(labels=np.array([-1, 0, 0, 1, 1, -1], np.int32))
    assert classes.relabeled(test, ("a", "b")).labels.tolist() == [-1, 1, 1, 0, 0, -1]


def test_a_set_that_is_read_in_order_is_mapped_too():
    rows = tf.data.Dataset.from_tensor_slices((["x", "y"], np.array([0, 1], np.int32)))
    scan = arrays(["b", "a"])._replace(read=None, labels=None, scan=lambda start, stop: rows)
    found = list(in_order(classes.relabeled(scan, ("a", "b")), 0, 2, 2).as_numpy_iterator())
    assert found[0][1].tolist() == [1, 0]


def test_what_names_cannot_decide():
    with pytest.raises(ValueError, match="no class in common: d there, a, b here; names decide"):
        classes.alike(arrays(["a", "b"]), arrays(["d"]))
    with pytest.raises(ValueError, match="has two classes called a"):
        classes.alike(arrays(["a", "a"]), arrays(["a", "b"]))
    nameless = lambda n: arrays(list("abcd")[:n])._replace(classes=())  # noqa: E731
    with pytest.raises(ValueError, match="has 3 classes and own 2, and not both have names"):
        classes.alike(nameless(3), nameless(2))
    assert classes.alike(nameless(3), nameless(3))[1] == ()
    assert "its numbers are taken for those of" in classes.alike(arrays(["a", "b"]), nameless(2))[1][0]
    assert classes.count(nameless(3)) == 3 and classes.count(arrays(["a", "b"])) == 2
