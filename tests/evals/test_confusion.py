"""Counts of mistakes, by loops."""

import numpy as np
import pytest

from ssl_jax.evals import confusion


def test_the_matrix_counts_what_loops_count():
    draw = np.random.default_rng(0)
    truth, predicted = draw.integers(0, 4, 60), draw.integers(0, 5, 60)
    want = np.zeros((5, 5), int)
    for row, column in zip(truth, predicted, strict=True):
        want[row, column] += 1
    found = confusion.matrix(truth, predicted, classes=5)
    np.testing.assert_array_equal(found, want)
    pairs = confusion.confused(found, 100)
    assert sum(count for *_, count in pairs) == 60 - np.trace(want) and all(true != taken for true, taken, _ in pairs)
    assert [count for *_, count in pairs] == sorted((count for *_, count in pairs), reverse=True)
    assert confusion.confused(found, 2) == pairs[:2]


def test_no_mistakes_are_no_pairs():
    assert confusion.confused(np.diag([3, 0, 2]), 5) == []


@pytest.mark.parametrize(
    "truth, predicted, said",
    [([0, 3], [0, 1], "class 3 is not"), ([0, -1], [0, 1], "class -1"), ([0], [0, 1], "1 lab")],
)
def test_numbers_that_are_no_classes_are_refused(truth, predicted, said):
    with pytest.raises(ValueError, match=said):
        confusion.matrix(np.array(truth), np.array(predicted), classes=3)
