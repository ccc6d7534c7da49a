import jax
import numpy as np
import pytest
from numpy.testing import assert_allclose

from ssl_jax.criteria import targeted
from ssl_jax.losses import regression
from ssl_jax.types import Seen


def with_target(seen: Seen, k: int = 1) -> Seen:
    y = np.random.default_rng(5).normal(size=(len(seen.student), k))
    return seen._replace(batch={**seen.batch, "target": y})


def test_views_have_the_target_of_their_example(strict, see):
    """In any order of rows, since the loss knows none."""
    seen = with_target(see(6, 2, 2, 3))
    value, _ = targeted.rank_n_contrast(temperature=2.0).loss({}, {}, seen)
    by_view = np.concatenate([seen.student[:, 0], seen.student[:, 1]])
    twice = np.concatenate([seen.batch["target"]] * 2)
    assert_allclose(value, regression.rank_n_contrast(by_view, twice, 2.0), rtol=1e-12)


def test_squared_error_is_in_units_of_the_spread(strict, see):
    seen = with_target(see(4, 2, 2, 3), k=3)
    value, _ = targeted.squared_error(mean=2.0, std=4.0).loss({}, {}, seen)
    gap = seen.student - (seen.batch["target"][:, None] - 2) / 4
    assert_allclose(value, np.mean(gap**2), rtol=1e-12)


@pytest.mark.parametrize("make", [targeted.rank_n_contrast, targeted.squared_error])
def test_what_cannot_be_is_one_sentence(see, make):
    with pytest.raises(ValueError, match="reads numbers to be predicted, and the data has none"):
        make().init(jax.random.key(0), see(4, 2, 2, 3))
    with pytest.raises(ValueError, match="must be above 0"):
        make(**{"temperature" if make is targeted.rank_n_contrast else "std": 0.0})


def test_one_example_and_another_number_of_outputs_are_refused(see):
    with pytest.raises(ValueError, match="at least 2 examples in a batch, got 1"):
        targeted.rank_n_contrast().init(jax.random.key(0), with_target(see(1, 2, 2, 3)))
    with pytest.raises(ValueError, match="predicts 3 numbers and the data has 1"):
        targeted.squared_error().loss({}, {}, with_target(see(4, 2, 2, 3)))
