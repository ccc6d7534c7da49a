"""Patches of points against loops in numpy; the encoder sees the shown ones alone, in any order of the points."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ssl_jax.nets import point_transformer, points
from ssl_jax.tasks import masks

G, S, N = 6, 5, 40


def cloud(b=3, n=N, seed=0):
    return np.random.default_rng(seed).normal(size=(b, n, 3)).astype(np.float32)


def farthest_by_loops(x, count, first):
    chosen = [first]
    while len(chosen) < count:
        chosen.append(int(np.argmax([min(np.sum((p - x[c]) ** 2) for c in chosen) for p in x])))
    return chosen


@pytest.mark.parametrize("first", [0, 7])
def test_the_farthest_points_are_those_of_loops(first):
    x = cloud()
    found = jax.jit(lambda x: points.farthest(x, 10, first=first))(x)
    assert found.dtype == jnp.int32
    np.testing.assert_array_equal(found, [farthest_by_loops(each, 10, first) for each in x])


def test_more_of_the_farthest_points_lie_closer_and_begin_alike():
    x, last = cloud(), np.inf
    for count in (2, 4, 8, 16):
        found = np.asarray(points.farthest(x, count))
        np.testing.assert_array_equal(found[:, :2], points.farthest(x, 2))
        chosen = np.take_along_axis(x, found[..., None], 1)
        apart = np.linalg.norm(chosen[:, :, None] - chosen[:, None], axis=-1) + 1e9 * np.eye(count)
        assert (apart.min((1, 2)) <= last + 1e-6).all() and apart.min() > 0
        last = apart.min((1, 2))


def test_patches_are_the_nearest_neighbors_relative_to_their_center():
    x = cloud()
    centers, found = points.patches(x, G, S)
    assert centers.shape == (3, G, 3) and found.shape == (3, G, S, 3)
    assert not np.any(found[:, :, 0])
    for i, g in np.ndindex(3, G):
        order = np.argsort(((x[i] - np.asarray(centers[i, g])) ** 2).sum(1))[:S]
        np.testing.assert_allclose(found[i, g] + centers[i, g], x[i, order], atol=1e-6)


@pytest.mark.parametrize(
    "shape, sentence",
    [
        ((2, 4, 3), "clouds of 4 points have no 6 patches of 5"),
        ((2, 9, 9, 3), r"takes \[b, n, 3\]"),
        ((2, 9, 4), "not"),
    ],
)
def test_what_is_no_cloud_is_one_sentence(shape, sentence):
    with pytest.raises(ValueError, match=sentence):
        points.patches(jnp.zeros(shape), G, S)


@pytest.fixture(scope="module")
def nets():
    """Encoder, decoder and their weights."""
    size = dict(points=S, width=16, layers=2, heads=2)
    encoder = point_transformer.point_transformer(patches=G, **size)
    decoder = point_transformer.point_decoder(**size)
    params, stats = jax.jit(encoder.init)(jax.random.key(0), cloud())
    y, _ = encoder.apply(params, stats, cloud(), train=False)
    return encoder, params, stats, decoder, decoder.init(jax.random.key(1), y)[0]


@pytest.mark.parametrize("train", [False, True])
def test_hidden_patches_do_not_reach_the_encoder(nets, train):
    encoder, params, stats, *_ = nets
    hidden, x = masks.random(jax.random.key(2), 3, G, 3), jnp.asarray(cloud())
    y, _ = encoder.apply(params, stats, x, train=train, keep=hidden.keep)
    seen = np.take_along_axis(np.asarray(y["patches"] + y["centers"][:, :, None]), hidden.keep[..., None, None], 1)
    free = (np.abs(x[:, :, None] - seen.reshape(3, 1, -1, 3)).sum(-1) > 1e-5).all(2)  # points of no seen patch
    centers = np.asarray(points.farthest(x, G))
    for i in range(3):
        free[i, centers[i]] = False  # else other points are chosen
    assert free.any(1).all()
    moved = jnp.where(free[..., None], x + 1e-3, x)
    other, _ = encoder.apply(params, stats, moved, train=train, keep=hidden.keep)
    assert not np.array_equal(other["patches"], y["patches"])
    np.testing.assert_array_equal(other["tokens"], y["tokens"])


def test_the_order_of_the_points_changes_nothing_but_for_the_first(nets):
    encoder, params, stats, *_ = nets
    x, order = cloud(), np.concatenate([[0], 1 + np.random.default_rng(1).permutation(N - 1)])
    one, other = (encoder.apply(params, stats, each, train=False)[0] for each in (x, x[:, order]))
    np.testing.assert_allclose(one["tokens"], other["tokens"], atol=1e-5)
    np.testing.assert_allclose(one["pool"], other["pool"], atol=1e-5)


def test_what_the_encoder_gives(nets):
    encoder, params, stats, *_ = nets
    y, _ = encoder.apply(params, stats, cloud(), train=False)
    tokens = np.asarray(y["tokens"])
    assert tokens.shape == (3, G, 16) and y["pool"].shape == (3, 32)
    np.testing.assert_allclose(y["pool"], np.concatenate([tokens.mean(1), tokens.max(1)], 1), rtol=1e-5, atol=1e-6)


def test_a_kept_token_counts_at_its_place_whatever_its_number(nets):
    encoder, params, stats, decoder, own = nets
    hidden = masks.random(jax.random.key(3), 3, G, 3)
    y, _ = encoder.apply(params, stats, cloud(), train=False, keep=hidden.keep)
    back = {**y, "tokens": y["tokens"][:, ::-1]}
    one, _ = decoder.apply(own, {}, y, train=False, keep=hidden.keep)
    other, _ = decoder.apply(own, {}, back, train=False, keep=hidden.keep[:, ::-1])
    assert one.shape == (3, G, 3 * S)
    np.testing.assert_allclose(one, other, atol=1e-5)


def test_the_decoder_is_told_where_hidden_patches_are(nets):
    encoder, params, stats, decoder, own = nets
    hidden = masks.random(jax.random.key(3), 3, G, 3)
    y, _ = encoder.apply(params, stats, cloud(), train=False, keep=hidden.keep)
    moved = {**y, "centers": y["centers"].at[jnp.arange(3), hidden.hide[:, 0]].add(1.0)}
    one, other = (decoder.apply(own, {}, each, train=False, keep=hidden.keep)[0] for each in (y, moved))
    assert np.abs(one - other).max() > 1e-4


def test_sizes_that_cannot_be_are_one_sentence(nets):
    with pytest.raises(ValueError, match="width 10 cannot be divided among 4 heads"):
        point_transformer.point_transformer(width=10, heads=4)
    with pytest.raises(ValueError, match="patches is 0; it must be above 0"):
        point_transformer.point_transformer(patches=0)
    with pytest.raises(ValueError, match="the decoder has width 8 and the encoder 16"):
        narrow = point_transformer.point_decoder(points=S, width=8, heads=2)
        narrow.init(jax.random.key(0), {"tokens": jnp.zeros((1, G, 16)), "centers": jnp.zeros((1, G, 3))})
