import jax
import numpy as np
import pytest
import tensorflow as tf
from numpy.testing import assert_allclose, assert_array_equal

from ssl_jax.data import embedded_source
from ssl_jax.losses import places
from ssl_jax.views import compose, compose_host

most_similar, taken = jax.jit(places.most_similar), jax.jit(places.taken)
positions = jax.jit(places.positions, static_argnums=1)


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


def cos(a, b):
    return (a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum())


def test_the_match_of_a_place_has_the_largest_cosine(strict):
    a, b = normal(0, 3, 5, 4), normal(1, 3, 7, 4) * np.exp(normal(2, 3, 7, 1))  # the longest is not the most similar
    found = most_similar(a, b)
    assert found.shape == (3, 5)
    for i, j in np.ndindex(3, 5):
        assert found[i, j] == np.argmax([cos(a[i, j], other) for other in b[i]])


def test_of_equals_the_first_is_found_and_an_empty_place_finds_one(strict):
    a = np.concatenate([np.ones((1, 1, 4)), np.zeros((1, 1, 4))], 1)
    assert_array_equal(most_similar(a, np.ones((1, 6, 4))), [[0, 0]])


def test_places_are_taken_with_their_gradient(strict):
    x, at = normal(0, 2, 5, 3), np.array([[4, 4, 0], [1, 2, 1]])
    assert_array_equal(taken(x, at), [[x[i, j] for j in row] for i, row in enumerate(at)])
    weight = normal(1, 2, 3, 3)
    expected = np.zeros_like(x)
    for (i, j), place in np.ndenumerate(at):
        expected[i, place] += weight[i, j]
    assert_allclose(jax.grad(lambda x: (taken(x, at) * weight).sum())(x), expected, rtol=1e-12)


def nearest_by_loops(a, b, count):
    """For each image the (place, neighbor) of the `count` smallest distances, in the order of places."""
    found = []
    for x, y in zip(a, b, strict=True):
        table = np.array([[((p - q) ** 2).sum() for q in y] for p in x])
        kept = sorted(sorted(range(len(x)), key=lambda i, table=table: table[i].min())[:count])
        found.append([(i, table[i].argmin()) for i in kept])
    return np.array(found)


@pytest.mark.parametrize("count", [1, 3, 5])
def test_the_nearest_pairs_are_kept_in_the_order_of_places(strict, count):
    a, b = normal(3, 4, 5, 3), normal(4, 4, 7, 3)
    found = np.stack(jax.jit(places.nearest, static_argnums=2)(a, b, count), -1)
    assert_array_equal(found, nearest_by_loops(a, b, count))
    slope = jax.grad(lambda a: (places.taken(a, places.nearest(a, b, count)[0]) ** 2).sum())(a)
    assert sorted(np.abs(slope).sum((1, 2)) > 0) == [True] * 4 and ((np.asarray(slope) != 0).sum() == 4 * count * 3)


def shown(of, ops, size, count):
    """`count` views by the library's own operations, and where each lies: [1, v, s, s, c], [1, v, 2, 3]."""
    records = compose.views([dict(group="global", count=count, size=size, ops=ops, places=True)])
    made = tf.function(compose_host.host(records))({"image": of}, tf.constant([3, 7], tf.int64))
    return made["global"].numpy()[None], made["global/place"].numpy()[None]


def cells(view, side):
    """The mean of each of side x side squares: [b, s, s, c] -> [b, side^2, c]."""
    b, s, _, c = view.shape
    return view.reshape(b, side, s // side, side, s // side, c).mean((2, 4)).reshape(b, side**2, c)


def test_positions_are_what_an_image_of_positions_shows():
    x, y = np.meshgrid((np.arange(90) + 0.5) / 90, (np.arange(60) + 0.5) / 60)
    picture = tf.constant((np.stack([x, y], -1) * 60000).astype(np.uint16))
    crop = dict(name="random_resized_crop", args=dict(scale=(0.4, 0.6)))
    for ops, mirrored in (((crop, dict(name="flip", p=1.0)), True), ((crop,), False)):
        views, maps = shown(picture, ops, 28, 3)
        for i in range(3):
            where = positions(maps[:, i], 4)
            assert (where[0, 0, 0] > where[0, 1, 0]) == mirrored and where[0, 0, 1] < where[0, 4, 1]
            assert_allclose(where, cells(views[:, i] / 60000, 4), atol=4e-3)


def test_places_that_are_matched_show_the_same_pixels():
    """A picture and its mirror image: each place is matched with the one that shows what it shows."""
    picture = tf.constant(embedded_source.pixels("fashion_mnist", "test")[0])
    (one, here), (other, there) = (shown(picture, (dict(name="flip", p=p),), 28, 1) for p in (0.0, 1.0))
    assert not np.array_equal(one, other)
    at, match = places.nearest(positions(here[:, 0], 4), positions(there[:, 0], 4), 16)
    a, b = cells(one[:, 0].astype(float), 4), cells(other[:, 0].astype(float), 4)
    assert_allclose(np.asarray(taken(a, at)), np.asarray(taken(b, match)), rtol=1e-6)
    assert np.abs(a - b).max() > 10, "the picture is symmetric, and a grid that was not mirrored would not be noticed"
