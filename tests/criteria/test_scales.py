"""AMDIM's sum over scales and directions."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from ssl_jax.criteria import scales
from tests.losses.test_rows_and_places import places_by_loops

B, D, CLIP, PENALTY = 3, 4, 20.0, 0.05
SIDES = {"1x1": 1, "5x5": 2, "7x7": 3}
"""Smaller maps by their names, so that loops are quick."""


def seen_by(see, v=2, b=B, **widths):
    g = np.random.default_rng(7)
    maps = {name: g.normal(size=(b, v, side, side, widths.get(f"d{side}", D))) for name, side in SIDES.items()}
    return see(b, v, v, D, student=maps, teacher=maps)


def by_loops(maps, key):
    """1 to 5, 1 to 7 and 5 to 5, the last from one place of each view; both directions halved, then summed."""
    flat = {name: x.reshape(B, 2, -1, D) for name, x in maps.items()}
    at = np.asarray(jax.random.randint(key, (B, 2, 1, 1), 0, SIDES["5x5"] ** 2, jnp.int32))[..., 0, 0]
    drawn = np.stack([[flat["5x5"][i, v, at[i, v]] for v in range(2)] for i in range(B)])
    total = 0
    for vectors, target in ((flat["1x1"][:, :, 0], "5x5"), (flat["1x1"][:, :, 0], "7x7"), (drawn, "5x5")):
        for one, other in ((0, 1), (1, 0)):
            loss, square = places_by_loops(vectors[:, one], flat[target][:, other], CLIP)
            total += (loss + PENALTY * square) / 2
    return total


def test_the_sum_is_that_of_loops_with_gradients_on_both_sides(strict, see, gradient):
    criterion, seen = scales.infomax(clip=CLIP, penalty=PENALTY), seen_by(see)
    assert criterion.init(seen.key, seen) == ({}, {})
    loss = jax.jit(lambda maps: criterion.loss({}, {}, seen._replace(student=maps)))
    (value, metrics), slopes = jax.value_and_grad(loss, has_aux=True)(seen.student)
    assert_allclose(value, by_loops(seen.student, seen.key), rtol=1e-10)
    for name in SIDES:
        expected = gradient(lambda x, name=name: by_loops({**seen.student, name: x}, seen.key), seen.student[name])
        assert_allclose(slopes[name], expected, atol=1e-10)
    assert set(metrics) == {"1x1-5x5", "1x1-7x7", "5x5-5x5", "penalty"}


def test_views_exchanged_are_the_same_where_nothing_is_drawn(strict, see):
    criterion, seen = scales.infomax(scales=(("1x1", "5x5"), ("1x1", "7x7"))), seen_by(see)
    other = jax.tree.map(lambda x: x[:, ::-1], seen.student)
    value = criterion.loss({}, {}, seen)[0]
    assert_allclose(criterion.loss({}, {}, seen._replace(student=other))[0], value, rtol=1e-12)


def test_each_example_and_view_has_a_place_of_its_own(strict):
    places = jnp.arange(64 * 2 * 25.0).reshape(64, 2, 25, 1)
    found = np.asarray(scales._drawn(jax.random.key(0), places))[..., 0] % 25
    assert len(np.unique(found)) > 20 and np.any(found[:, 0] != found[:, 1])


def test_what_cannot_be_compared_is_refused(see):
    criterion, seen = scales.infomax(), seen_by(see)
    without = {name: x for name, x in seen.student.items() if name != "7x7"}
    with pytest.raises(ValueError, match="looks at the map 7x7 of the encoder, which has 1x1, 5x5"):
        criterion.init(None, seen._replace(student=without))
    with pytest.raises(ValueError, match="maps of one width"):
        criterion.init(None, seen_by(see, d3=5))
    with pytest.raises(ValueError, match="at least 2 views of an image, got 1"):
        criterion.init(None, seen_by(see, v=1))
    with pytest.raises(ValueError, match="at least 2 examples in a batch, got 1"):
        criterion.init(None, seen_by(see, b=1))
    with pytest.raises(ValueError, match="clip is 0"):
        scales.infomax(clip=0.0)
