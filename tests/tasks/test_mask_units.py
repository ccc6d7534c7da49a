import jax
import numpy as np
import pytest

from ssl_jax.tasks import mask_units


@pytest.mark.parametrize(("unit", "patch", "ratio", "count"), [(8, 4, 0.6, 10), (4, 4, 0.6, 39), (8, 2, 0.0, 0)])
def test_whole_units_are_hidden_as_many_in_each_image(unit, patch, ratio, count):
    hide = jax.jit(mask_units.random(unit, patch, ratio))
    hidden = np.asarray(hide(jax.random.key(0), np.zeros((64, 32, 32, 3), np.float32)))
    side, within = 32 // patch, unit // patch
    units = hidden.reshape(64, side // within, within, side // within, within).swapaxes(2, 3).reshape(64, -1, within**2)
    assert (units == units[..., :1]).all()
    assert (units[..., 0].sum(1) == count).all()
    assert count in (0,) or len(np.unique(hidden, axis=0)) == 64


def test_every_unit_is_hidden_as_often():
    hidden = mask_units.random(16, 16, 0.6)(jax.random.key(1), np.zeros((4000, 32, 32, 1), np.float32))
    np.testing.assert_allclose(hidden.mean(0), 3 / 4, atol=4 * (3 / 16 / 4000) ** 0.5)


def test_units_that_do_not_tile_are_refused():
    with pytest.raises(ValueError, match="patches of 4 pixels do not tile a mask unit of 6 x 6"):
        mask_units.random(6, 4, 0.5)
    with pytest.raises(ValueError, match="mask units of 32 pixels do not tile an image of 48 x 32"):
        mask_units.random(32, 4, 0.5)(jax.random.key(0), np.zeros((1, 48, 32, 3)))
