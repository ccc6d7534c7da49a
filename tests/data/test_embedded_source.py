"""The embedded dataset is balanced, lossless, small, and what it says."""

import os

import numpy as np
import pytest
import tensorflow as tf

from ssl_jax.data import embedded_source, sources
from ssl_jax.data.source import read_image
from tests.tfds_sets import TFDS, real


@pytest.mark.parametrize("split, size", [("train", 10_000), ("test", 5_000)])
def test_classes_are_balanced_in_every_beginning(split, size):
    source = sources.open(f"embedded:fashion_mnist/{split}")
    assert (source.size, source.image.channels, source.image.bits, len(source.classes)) == (size, 1, 8, 10)
    for count in (100, 2000, size):
        assert (np.bincount(source.labels[:count]) == count // 10).all()


def test_it_is_small_and_carries_its_license():
    files = list(embedded_source.HERE.glob("fashion_mnist*"))
    assert sum(os.path.getsize(file) for file in files) <= 6_000_000
    notice = (embedded_source.HERE / "fashion_mnist.LICENSE").read_text()
    assert "Copyright (c) 2017 Zalando SE" in notice and "Permission is hereby granted, free of charge" in notice


def test_train_and_test_share_no_image():
    train, test = (embedded_source.pixels("fashion_mnist", split) for split in ("train", "test"))
    assert not {image.tobytes() for image in train} & {image.tobytes() for image in test}


@real
def test_it_is_the_beginning_of_each_class():
    whole = sources.open("tfds:fashion_mnist/test[:3000]", data_dir=str(TFDS))
    ours = embedded_source.pixels("fashion_mnist", "test")
    for label in range(10):
        theirs = [read_image(whole, tf.constant(k)) for k in np.flatnonzero(whole.labels == label)[:5]]
        assert np.array_equal(ours[label::10][:5], [image for image, _ in theirs])
