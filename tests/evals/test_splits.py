import jax
import numpy as np
import pytest

from ssl_jax.evals import splits

LABELS = np.repeat(np.arange(5, dtype=np.int32), [7, 9, 10, 12, 30])[np.random.default_rng(0).permutation(68)]


def test_per_class_takes_as_many_of_each_and_is_nested():
    key = jax.random.key(3)
    few, more = (splits.per_class(key, LABELS, n, classes=5) for n in (2, 6))
    assert np.bincount(LABELS[few]).tolist() == [2] * 5
    assert np.bincount(LABELS[more]).tolist() == [6] * 5
    assert np.all(more[few])


def test_the_key_decides_the_choice():
    same = [splits.per_class(jax.random.key(k), LABELS, 3, classes=5) for k in (0, 0, 1)]
    assert np.array_equal(same[0], same[1]) and not np.array_equal(same[0], same[2])


def test_all_examples_of_a_class_are_equally_likely():
    drawn = sum(splits.per_class(jax.random.key(k), LABELS, 2, classes=5) for k in range(300))
    share = drawn[LABELS == 1] / 300
    assert np.all(np.abs(share - 2 / 9) < 4 * np.sqrt(2 / 9 * 7 / 9 / 300))


def test_folds_part_every_class_evenly_and_cover_all():
    part = splits.folds(jax.random.key(0), LABELS, 4)
    counts = np.array([[np.sum((LABELS == c) & (part == f)) for f in range(4)] for c in range(5)])
    assert counts.sum() == len(LABELS)
    assert np.all(counts.max(1) - counts.min(1) <= 1)
    assert np.ptp(counts.sum(0)) <= 3


def test_too_few_examples_of_a_class_is_a_sentence():
    with pytest.raises(ValueError, match="8 labels a class are asked for, but class 0 has only 7"):
        splits.per_class(jax.random.key(0), LABELS, 8, classes=5)


def test_a_class_without_examples_counts():
    with pytest.raises(ValueError, match="class 5 has only 0"):
        splits.per_class(jax.random.key(0), LABELS, 1, classes=6)


def test_labels_that_are_missing_or_out_of_range_are_sentences():
    with pytest.raises(ValueError, match="1 of the 3 examples of the test set have no label"):
        splits.check_labels(np.array([0, -1, 2]), classes=3, what="the test set")
    with pytest.raises(ValueError, match="the label 7, but there are 3 classes"):
        splits.check_labels(np.array([0, 7]), classes=3, what="the test set")
