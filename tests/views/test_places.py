"""Where a view lies: the place says of each pixel where it was, and an image of positions says the same."""

import numpy as np
import pytest
import tensorflow as tf

from ssl_jax.views import compose, compose_host, places

H, W = 60, 90
CROP = dict(name="random_resized_crop", args=dict(scale=(0.3, 0.6)))
FLIP = dict(name="flip", p=0.5)


def positions():
    """uint16 [h, w, 2]: the x and y of the middle of each pixel, 0..1 of the sides as 0..60000."""
    x, y = np.meshgrid((np.arange(W) + 0.5) / W, (np.arange(H) + 0.5) / H)
    return tf.constant((np.stack([x, y], -1) * 60000).astype(np.uint16))


@pytest.mark.parametrize(
    "size, ops",
    [
        (16, (CROP,)),
        (16, (CROP, FLIP)),
        (40, (dict(name="center_crop"),)),
        (41, (FLIP, dict(name="pad_crop", args=dict(padding=3, mode="reflect")))),
        (30, (dict(name="resize_exact"), FLIP)),
        (24, (dict(name="resize", args=dict(size=48)), dict(name="random_resized_crop"), FLIP)),
    ],
)
def test_the_place_of_a_pixel_is_what_an_image_of_positions_shows(size, ops):
    records = compose.views([dict(group="global", count=6, size=size, ops=ops, places=True)])
    made = tf.function(compose_host.host(records))({"image": positions()}, tf.constant([3, 7], tf.int64))
    views, maps = made["global"].numpy() / 60000, made["global/place"].numpy()
    assert maps.shape == (6, 2, 3) and maps.dtype == np.float32
    grid = (np.arange(size) + 0.5) / size
    points = np.stack([*np.meshgrid(grid, grid), np.ones((size, size))], -1)
    said, inner = np.einsum("vij,hwj->vhwi", maps, points), slice(4, -4)  # borders are reflected or interpolated
    np.testing.assert_allclose(said[:, inner, inner], views[:, inner, inner], atol=2e-3)


def test_only_those_who_ask_get_places():
    records = compose.views([dict(group="a", size=8, ops=(CROP,)), dict(group="b", size=8, ops=(CROP,), places=True)])
    made = compose_host.host(records)({"image": positions()}, tf.constant([0, 0], tf.int64))
    assert sorted(made) == ["a", "b", "b/place"]


def test_every_geometric_operation_has_a_place():
    assert all(hasattr(places, name) for name in compose.GEOMETRIC)


@pytest.mark.parametrize("wrong", [dict(places=1), dict(places=True, of="text"), dict(group="a/b")])
def test_places_are_for_images(wrong):
    with pytest.raises(ValueError, match=r"views.0.(places is|group is 'a/b'; it must be .* without a slash)"):
        compose.views([{**dict(group="a", size=8, ops=()), **wrong}])
