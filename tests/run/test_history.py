"""Checkpoints side by side."""

import numpy as np
import pytest

from ssl_jax.run import history


def row(step, rank, alpha, knn):
    return {"step": step, "knn": knn, "effective_rank": rank, "alpha": alpha, "uniformity": -rank}


def test_what_is_chosen_and_how_well_it_agrees():
    found = history.compared([row(1, 2.0, 3.0, 0.3), row(2, 5.0, 1.1, 0.5), row(3, 4.0, 0.2, 0.4)])
    assert found.chosen == {"effective_rank": 2, "alpha": 2, "uniformity": 2}
    assert found.correlation["effective_rank"]["knn"] == 1.0
    assert found.correlation["alpha"]["knn"] == 1.0  # |alpha - 1| is 2, 0.1, 0.8
    reverse = history.compared([row(1, 2.0, 1.0, 0.5), row(2, 5.0, 1.0, 0.4), row(3, 9.0, 1.0, 0.3)])
    assert reverse.correlation["effective_rank"]["knn"] == -1.0 and reverse.correlation["alpha"]["knn"] is None


def test_a_diverged_checkpoint_is_passed_over():
    dead = {"step": 9, "knn": None, "effective_rank": None, "alpha": None, "uniformity": None}
    found = history.compared([dead, row(1, 2.0, np.inf, 0.3)])
    assert found.chosen == {"effective_rank": 1, "uniformity": 1}
    with pytest.raises(ValueError, match="no checkpoint has features that are finite"):
        history.compared([dead])
