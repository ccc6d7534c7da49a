"""CPC's sum over directions and offsets."""

import jax
import numpy as np
import pytest
from numpy.testing import assert_allclose

from ssl_jax.criteria import predicted
from tests.losses.test_rows_and_places import rows_by_loops

OFFSETS, SCALE = (1, 3), 0.4


def seen_by(see, rows=4):
    g = np.random.default_rng(3)
    sides = {"down": (2, rows, 2), "left": (2, 4, 3)}
    made = {
        name: {"targets": g.normal(size=(*shape, 3)), "predictions": g.normal(size=(*shape, len(OFFSETS), 3))}
        for name, shape in sides.items()
    }
    return see(2, 1, 1, 3, student=made, teacher={})


def test_the_sum_is_that_of_loops(strict, see):
    criterion, seen = predicted.predicted(offsets=OFFSETS, scale=SCALE), seen_by(see)
    assert criterion.init(seen.key, seen) == ({}, {})
    value, metrics = jax.jit(lambda s: criterion.loss({}, {}, seen._replace(student=s)))(seen.student)
    sums = {
        name: sum(
            rows_by_loops(SCALE * found["predictions"][..., i, :], found["targets"], k) for i, k in enumerate(OFFSETS)
        )
        for name, found in seen.student.items()
    }
    assert_allclose(value, sum(sums.values()), rtol=1e-10)
    assert {name: float(m) for name, m in metrics.items()} == pytest.approx({f"{n}/loss": s for n, s in sums.items()})


def test_what_lies_beyond_the_grid_is_refused(see):
    with pytest.raises(ValueError, match="predicts 3 rows ahead, and towards 'down' the grid has 3; give"):
        predicted.predicted(offsets=OFFSETS).init(None, seen_by(see, rows=3))
    seen = seen_by(see)
    seen.student["left"]["targets"] = np.ones((2, 4, 3, 5))
    with pytest.raises(ValueError, match="predictions have the width 3 and their targets 5"):
        predicted.predicted(offsets=OFFSETS).init(None, seen)
    with pytest.raises(ValueError, match="offset 1 is 0"):
        predicted.predicted(offsets=(0,))
    with pytest.raises(ValueError, match="scale is 0"):
        predicted.predicted(scale=0.0)
