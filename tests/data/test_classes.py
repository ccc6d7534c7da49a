"""Labels of a test set are those of its training set by name, for every pair of kinds of sources."""

import itertools

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from ssl_jax.data import classes, convert, sources
from ssl_jax.data.source import in_order, read_image, read_rows

SHADES = {"a": 10, "b": 90, "c": 170, "d": 240}
"""The grey of each class, by which a test knows what an image shows."""


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


def read_only(source):
    """A source whose labels are known only by reading."""
    return source._replace(labels=None)


KINDS = {
    "folder": folder,
    "arrayrecord": shards,
    "own": lambda root, names: arrays(names),
    "read only": lambda root, names: read_only(arrays(names)),
    "shards read only": lambda root, names: read_only(shards(root, names)),
}


def shown(source) -> dict[str, set[int]]:
    """The labels with which each class is read, by what the images show."""
    found = {name: set() for name in SHADES}
    for index in range(source.size):
        row = read_rows(source, tf.constant([index], tf.int64))
        image, label = read_image(source, *(part[0] for part in row))
        name = min(SHADES, key=lambda name: abs(SHADES[name] - int(image[0, 0, 0])))
        found[name].add(int(label))
    return {name: labels for name, labels in found.items() if labels}


@pytest.mark.parametrize("train, test", list(itertools.product(KINDS, KINDS)))
def test_names_decide_for_every_pair(tmp_path, train, test):
    first, second = KINDS[train](tmp_path / "train", ["a", "b", "c"]), KINDS[test](tmp_path / "test", ["b", "c", "d"])
    mapped, said = classes.alike(first, second)
    assert mapped.classes == ("a", "b", "c")
    assert shown(mapped) == {"b": {1}, "c": {2}, "d": {classes.OTHER}}
    if mapped.labels is not None:
        assert [shown(sources.subset(mapped, [i])) for i in (0, 8)] == [{"b": {1}}, {"d": {classes.OTHER}}]
        assert mapped.labels.tolist() == [1] * 3 + [2] * 3 + [classes.OTHER] * 3
    assert len(said) == 1 and said[0].endswith("lacks take no part in any score: d")
    assert ("3 examples" in said[0]) == (mapped.labels is not None)


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


def test_unlabelled_examples_stay_unlabelled():
    test = arrays(["b", "a"])._replace(labels=np.array([-1, 0, 0, 1, 1, -1], np.int32))
    assert classes.relabelled(test, ("a", "b")).labels.tolist() == [-1, 1, 1, 0, 0, -1]


def test_a_set_that_is_read_in_order_is_mapped_too():
    rows = tf.data.Dataset.from_tensor_slices((["x", "y"], np.array([0, 1], np.int32)))
    scan = arrays(["b", "a"])._replace(read=None, labels=None, scan=lambda start, stop: rows)
    found = list(in_order(classes.relabelled(scan, ("a", "b")), 0, 2, 2).as_numpy_iterator())
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
