"""Views of points: drawn by area, in the unit sphere, stretched, shifted and turned."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import tensorflow as tf

from configs import presets
from ssl_jax.views import compose, compose_device, compose_host, points, points_device

SEED = tf.constant([3, 5], tf.int64)
TWO = np.array([[[0, 0, 0], [1, 0, 0], [0, 1, 0]], [[5, 0, 0], [8, 0, 0], [5, 1, 0]]], np.float32)
"""A triangle of area 1/2, and one of 3/2 to the right of it."""


def drawn(item, size, count=1, **options):
    return [x.numpy() for x in points.sample(SEED, [tf.constant(item)] * count, size, **options)]


def test_points_of_a_surface_are_uniform_by_area():
    (x,) = drawn(TWO, 40_000)
    assert x.shape == (40_000, 3) and x.dtype == np.float32
    right = x[:, 0] >= 5
    assert abs(right.mean() - 0.75) < 0.01  # 4.6 standard errors
    for part, corners in ((x[~right], TWO[0]), (x[right], TWO[1])):
        np.testing.assert_allclose(part.mean(0), corners.mean(0), atol=0.02)
        u = (part[:, 0] - corners[0, 0]) / (corners[1, 0] - corners[0, 0])
        assert (part[:, 1] >= 0).all() and (u + part[:, 1] <= 1 + 1e-5).all()
        middle = (u < 0.5) & (part[:, 1] < 0.5) & (u + part[:, 1] > 0.5)  # the middle quarter
        assert abs(middle.mean() - 0.25) < 0.02


def test_a_triangle_without_area_has_no_points():
    flat = np.concatenate([np.full((1, 3, 3), 9, np.float32), TWO[:1], np.full((1, 3, 3), 9, np.float32)])
    assert drawn(flat, 1000)[0].max() <= 1


def test_draws_differ_unless_they_are_fixed():
    one, two = drawn(TWO, 10, 2)
    assert not np.array_equal(one, two)
    np.testing.assert_array_equal(one, drawn(TWO, 10)[0])
    np.testing.assert_array_equal(
        drawn(TWO, 10, fixed=True)[0], points.sample(SEED + 1, [tf.constant(TWO)], 10, fixed=True)[0]
    )


def test_points_of_a_cloud_come_once_and_again_where_there_are_too_few():
    cloud = np.arange(5 * 4, dtype=np.float32).reshape(5, 4)
    some, all_, again = (drawn(cloud, size)[0][:, 0] for size in (3, 5, 13))
    assert len(set(some.tolist())) == 3 and set(all_.tolist()) == set(cloud[:, 0].tolist())
    assert sorted(np.unique(again, return_counts=True)[1].tolist()) == [2, 2, 3, 3, 3]
    assert drawn(cloud, 3)[0].shape == (3, 4)


@pytest.mark.parametrize(
    "item, sentence",
    [
        (np.zeros((0, 3), np.float32), "no points to draw from"),
        (np.zeros((0, 3, 3), np.float32), "no triangles to draw from"),
        (np.full((4, 3), np.nan, np.float32), "not all points are finite"),
        (np.zeros((2, 3, 3), np.float32), "the surface has no area"),
    ],
)
def test_what_has_no_points_is_one_sentence(item, sentence):
    with pytest.raises((tf.errors.OpError, ValueError), match=sentence):
        drawn(item, 4)


def test_the_unit_sphere_is_centered_at_the_mean_and_keeps_other_numbers():
    cloud = np.random.default_rng(0).normal(3, 2, (50, 5)).astype(np.float32)
    (x,) = points.unit_sphere(SEED, [tf.constant(cloud)])
    place = cloud[:, :3] - cloud[:, :3].mean(0)
    np.testing.assert_allclose(x[:, :3], place / np.linalg.norm(place, axis=1).max(), atol=1e-6)
    np.testing.assert_array_equal(x[:, 3:], cloud[:, 3:])
    assert not np.any(points.unit_sphere(SEED, [tf.ones([4, 3])])[0])


def test_augmentations_are_what_they_say():
    cloud = np.random.default_rng(0).normal(size=(50, 5)).astype(np.float32)
    factors, offsets = [], []
    for k in range(200):
        key = jax.random.key(k)
        stretched, shifted = points_device.stretch(key, cloud), points_device.shift(key, cloud)
        ratio, apart = np.asarray(stretched[:, :3] / cloud[:, :3]), np.asarray(shifted[:, :3] - cloud[:, :3])
        assert np.ptp(ratio, axis=0).max() < 1e-4 and np.ptp(apart, axis=0).max() < 1e-5
        np.testing.assert_array_equal(stretched[:, 3:], cloud[:, 3:])
        factors.append(ratio[0])
        offsets.append(apart[0])
    assert 2 / 3 - 1e-5 < np.min(factors) < 0.7 and 1.45 < np.max(factors) < 1.5 + 1e-5
    assert -0.2 - 1e-5 < np.min(offsets) < -0.19 and 0.19 < np.max(offsets) < 0.2 + 1e-5
    assert np.abs(np.corrcoef(np.array(factors).T) - np.eye(3)).max() < 0.3, "each axis has a factor of its own"


@pytest.mark.parametrize("axis", ["x", "y", "z"])
def test_a_turn_keeps_the_height_and_all_distances(axis):
    cloud, up = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32), "xyz".index(axis)
    turned = np.asarray(points_device.turn(jax.random.key(1), jnp.asarray(cloud), axis=axis))
    np.testing.assert_array_equal(turned[:, up], cloud[:, up])
    np.testing.assert_allclose(turned @ turned.T, cloud @ cloud.T, atol=1e-4)
    assert np.abs(turned - cloud).max() > 0.1


def test_presets_run_and_clean_views_draw_nothing():
    training, clean = compose.views(presets.points(16)), compose.views(presets.evaluate_points(16))
    assert compose.random(training[0]) and not compose.random(clean[0])
    made = tf.function(compose_host.host(training))({"points": tf.constant(TWO)}, SEED)
    batch = compose_device.device(training)(jax.random.key(0), {"global": made["global"].numpy()[None]})
    assert batch["global"].shape == (1, 1, 16, 3) and np.isfinite(batch["global"]).all()
    same = [compose_host.host(clean)({"points": tf.constant(TWO)}, SEED + k)["clean"] for k in (0, 1)]
    np.testing.assert_array_equal(*same)


@pytest.mark.parametrize(
    "op, sentence",
    [
        (dict(name="turn", args=dict(axis="w")), "axis is 'w'; it must be x, y or z"),
        (dict(name="stretch", args=dict(factors=(2.0, 1.0))), "factors is .*two rising numbers above 0"),
        (dict(name="shift", args=dict(offset=-1.0)), "offset is -1.0"),
        (dict(name="flip"), "'flip' in the operations of views of part 'points'"),
    ],
)
def test_wrong_arguments_are_one_sentence(op, sentence):
    view = dict(group="global", count=1, size=16, ops=(dict(name="sample"), op), of="points")
    with pytest.raises(ValueError, match=sentence):
        compose.views([view])
