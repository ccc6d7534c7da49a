"""Every form of a dataset's name, and the sentence for what is not there."""

import re
import sys
import types

import numpy as np
import pytest
import tensorflow as tf

from ssl_jax.data import sources
from ssl_jax.data.source import digest


@pytest.mark.parametrize(
    "text, said",
    [
        ("cifar10", "a dataset is named by embedded:NAME[/SPLIT], tfds:NAME"),
        ("foldr:/tmp", "no 'foldr' in the kinds of datasets; did you mean folder?"),
        ("embedded:fashon_mnist", "no 'fashon_mnist' in the embedded datasets; did you mean fashion_mnist"),
        ("embedded:fashion_mnist/val", "no 'val' in the splits of embedded:fashion_mnist; there are train, test"),
        ("folder:/no/such/place", "folder:/no/such/place: there is no such folder"),
        ("arrayrecord:/no/such/place", "arrayrecord:/no/such/place: no file matches /no/such/place"),
        ("foldr:photos", "'foldr:photos' is no dataset; one is named by embedded:NAME"),
        ("no.module:load", "(No module named 'no')"),
        ("json:load_it", "(module 'json' has no attribute 'load_it')"),
    ],
)
def test_what_is_not_there_is_one_sentence(text, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        sources.open(text)


def test_a_source_of_ones_own(monkeypatch):
    module = types.ModuleType("my_package_of_data")
    module.load = lambda: sources.arrays(np.zeros((3, 4, 4, 1), np.uint8), name="mine")
    module.wrong = lambda: 7
    monkeypatch.setitem(sys.modules, "my_package_of_data", module)
    assert sources.open("my_package_of_data:load").name == "mine"
    with pytest.raises(ValueError, match="returned a int, not an ssl_jax.data.source.Source"):
        sources.open("my_package_of_data:wrong")


@pytest.mark.parametrize(
    "images, labels, said",
    [
        (np.zeros((2, 4, 4, 1), np.float32), None, "uint8 or uint16, not float32"),
        (np.zeros((0, 4, 4, 1), np.uint8), None, "without an empty axis"),
        (np.zeros((2, 4), np.uint8), None, "must have the shape"),
        (np.zeros((2, 4, 4), np.uint8), [1, 2, 3], "do not fit 2 images"),
    ],
)
def test_wrong_arrays_are_one_sentence(images, labels, said):
    with pytest.raises(ValueError, match=said):
        sources.arrays(images, labels)


def test_a_subset_reads_the_chosen_examples():
    images = np.arange(10, dtype=np.uint8).reshape(10, 1, 1, 1)
    source = sources.arrays(images, np.arange(10) * 3)
    part = sources.subset(source, [7, 2, 2])
    assert part.size == 3 and part.labels.tolist() == [21, 6, 6] and part.describe(0).endswith("example 7")
    assert [int(part.read(tf.constant(k, tf.int64))[0][0, 0, 0]) for k in range(3)] == [7, 2, 2]
    assert part.digest not in (source.digest, sources.subset(source, [2, 7, 2]).digest)
    with pytest.raises(ValueError, match="index 10 is not in arrays, which has 10 examples"):
        sources.subset(source, [0, 10])


def test_digests_tell_contents_apart():
    assert digest("ab", "c") != digest("a", "bc") != digest("a", b"bcd")
    a, b = np.zeros((2, 2, 2, 1), np.uint8), np.zeros((2, 2, 2, 1), np.uint8)
    b[1, 1, 1] = 1
    assert sources.arrays(a).digest == sources.arrays(a).digest != sources.arrays(b).digest
