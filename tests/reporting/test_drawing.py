"""Pictures of what a method makes, as files."""

import numpy as np
import pytest
from matplotlib import image as reader

from ssl_jax.reporting import drawing, pictures
from ssl_jax.types import Op, View

VIEWS = (View("global", 1, 4, (Op("normalize", args={"mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5)}),)),)


def made():
    red = np.broadcast_to(np.array([1.0, -1, -1], np.float32), (2, 4, 4, 3))
    return {"reconstructions": {"input": red, "prediction": np.full((2, 4, 4, 3), np.nan)}}


def test_columns_have_titles_and_what_is_not_known_is_gray(tmp_path):
    path = drawing.write(made(), VIEWS, tmp_path, 12)["reconstructions"]
    assert path.name == "reconstructions-000012.png"
    picture, cell = reader.imread(str(path))[..., :3], (0.94 * pictures.CELL * 130) ** 2
    for color in ((1, 0, 0), (0.5, 0.5, 0.5)):
        assert abs(np.sum(np.all(np.abs(picture - color) < 0.01, -1)) / cell - 2) < 0.1


@pytest.mark.parametrize("count, rows, columns", [(1, 1, 1), (5, 2, 3), (9, 3, 3), (10, 3, 4)])
def test_a_single_title_is_a_square(count, rows, columns):
    images = np.arange(count, dtype=np.float32)[:, None, None, None] * np.ones((1, 2, 2, 1), np.float32)
    cells = drawing.square(images)
    assert cells.shape == (rows, columns, 2, 2, 1)
    found = cells[:, :, 0, 0, 0].ravel()
    np.testing.assert_array_equal(found[:count], np.arange(count))
    assert np.isnan(found[count:]).all()
