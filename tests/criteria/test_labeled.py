import jax
import numpy as np
import pytest
from numpy.testing import assert_allclose

from ssl_jax.criteria import labeled
from ssl_jax.losses import contrastive


@pytest.mark.parametrize(("options", "factor"), [({}, 0.1 / 0.07), ({"base_temperature": 1.0}, 0.1)])
def test_supcon_has_the_factor_of_the_codes(strict, see, options, factor):
    ids = {"index": np.arange(5, dtype=np.int32), "label": np.array([0, 1, 0, -1, 1], np.int32)}
    seen = see(5, 2, 2, 3, batch=ids)
    value, _ = jax.jit(labeled.supcon(temperature=0.1, **options).loss)({}, {}, seen)
    assert_allclose(value, factor * contrastive.supcon(seen.student, ids["label"], 0.1), rtol=1e-12)


@pytest.mark.parametrize("name", ["temperature", "base_temperature"])
def test_a_temperature_of_nothing_is_refused(name):
    with pytest.raises(ValueError, match=f"^{name} is 0.0; it must be above 0"):
        labeled.supcon(**{name: 0.0})
