import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import NamedSharding, PartitionSpec
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.cluster import KMeans

from ssl_jax.losses import clustering

sinkhorn = jax.jit(clustering.sinkhorn, static_argnames=("epsilon", "iterations"))
swapped_codes, labeled = jax.jit(clustering.swapped_codes), jax.jit(clustering.labeled)
nearest = jax.jit(clustering.nearest, static_argnames="scores_at_once")
kmeans_step = jax.jit(clustering.kmeans_step, static_argnames="scores_at_once")
kmeans = jax.jit(clustering.kmeans, static_argnames=("clusters", "scores_at_once"))


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


def units(seed, *shape):
    x = normal(seed, *shape)
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def sinkhorn_by_exp(scores, epsilon, iterations):
    """The paper's listing: prototypes first, samples last."""
    q = np.exp(scores / epsilon).T
    q /= q.sum()
    k, n = q.shape
    for _ in range(iterations):
        q = q / q.sum(1, keepdims=True) / k
        q = q / q.sum(0, keepdims=True) / n
    return (q * n).T


def labeled_by_loops(logits, labels):
    rows = [np.log(np.exp(x).sum()) - x[y] for x, y in zip(logits, labels, strict=True) if y >= 0]
    return sum(rows) / len(rows)


def step_by_loops(rows, valid, centroids):
    result = centroids.copy()
    labels = [int(np.argmax([row @ c for c in centroids])) for row in rows]
    for k in range(len(centroids)):
        members = [row for row, y, ok in zip(rows, labels, valid, strict=True) if y == k and ok]
        if members:
            mean = sum(members) / len(members)
            result[k] = mean / np.sqrt((mean * mean).sum())
    return result


def clumps(seed, *, clusters=4, each=10, d=6):
    """Unit rows around orthogonal directions, shuffled, and the clump of each."""
    rows = np.repeat(np.eye(d)[:clusters], each, 0) + 0.1 * normal(seed, clusters * each, d)
    order = np.random.default_rng(seed).permutation(len(rows))
    rows = rows[order] / np.linalg.norm(rows[order], axis=1, keepdims=True)
    return rows, np.repeat(np.arange(clusters), each)[order]


@pytest.mark.parametrize("iterations", [1, 3])
def test_sinkhorn_is_the_exp_form(strict, iterations):
    scores = np.clip(normal(0, 12, 5) / 3, -1, 1)
    codes = sinkhorn(scores, epsilon=0.05, iterations=iterations)
    assert_allclose(codes, sinkhorn_by_exp(scores, 0.05, iterations), rtol=1e-10, atol=1e-14)


def test_sinkhorn_balances_each_crop_apart(strict):
    scores = units(1, 12, 2, 5)
    codes = sinkhorn(scores)
    for crop in range(2):
        assert_allclose(codes[:, crop], sinkhorn_by_exp(scores[:, crop], 0.05, 3), rtol=1e-10, atol=1e-14)


def test_sinkhorn_with_a_queue_is_sinkhorn_of_both_together(strict):
    scores, queue = units(2, 6, 2, 5), units(3, 9, 2, 5)
    codes = sinkhorn(scores, queue)
    for crop in range(2):
        both = np.concatenate([queue[:, crop], scores[:, crop]])
        assert_allclose(codes[:, crop], sinkhorn_by_exp(both, 0.05, 3)[-6:], rtol=1e-10, atol=1e-14)


def test_rows_of_codes_sum_to_1_and_columns_to_their_share(strict):
    scores = units(4, 512, 128) @ units(5, 8, 128).T
    codes = sinkhorn(scores)
    assert_allclose(codes.sum(1), 1, rtol=1e-12)
    assert_allclose(codes.sum(0), 512 / 8, rtol=0.01)
    assert_allclose(sinkhorn(scores, iterations=30).sum(0), 512 / 8, rtol=1e-6)
    naive = jax.nn.softmax(scores / 0.05).sum(0)
    assert abs(naive / 64 - 1).max() > 0.1  # what Sinkhorn is for


def test_sinkhorn_symmetries_and_extremes(strict):
    scores = units(6, 10, 4)
    codes = sinkhorn(scores)
    order, columns = np.random.default_rng(7).permutation(10), np.asarray([2, 0, 3, 1])
    assert_allclose(sinkhorn(scores[order][:, columns]), codes[order][:, columns], rtol=1e-12)
    assert_allclose(sinkhorn(np.broadcast_to(scores[:1], (10, 4))), 0.25, rtol=1e-12)
    assert np.isfinite(sinkhorn(scores.astype(jnp.bfloat16), epsilon=1e-4)).all()


def test_swapped_codes_by_loops(strict, gradient):
    codes, scores = np.abs(units(8, 4, 2, 3)) ** 2, units(9, 4, 3, 3)

    def by_loops(scores):
        total = 0
        for i in range(2):
            for v in range(3):
                if v != i:
                    logs = scores[:, v] / 0.1 - np.log(np.exp(scores[:, v] / 0.1).sum(1, keepdims=True))
                    total -= (codes[:, i] * logs).sum() / 4 / 2 / 2
        return total

    value, slope = jax.value_and_grad(swapped_codes, 1)(codes, scores, 0.1)
    assert_allclose(value, by_loops(scores), rtol=1e-10)
    assert_allclose(slope, gradient(by_loops, scores), atol=1e-10)


def test_swav_at_initialization_and_collapse():
    # log k + 1 / (2 d t^2) for unrelated views: k = 3000, d = 128, t = 0.1.
    prototypes = units(10, 3000, 128).T
    scores = units(11, 64, 2, 128) @ prototypes
    assert_allclose(swapped_codes(sinkhorn(scores), scores, 0.1), np.log(3000) + 1 / 2.56, atol=0.05)
    same = np.broadcast_to(scores[:1, :1], scores.shape)
    codes = sinkhorn(same)
    assert_allclose(codes, 1 / 3000, rtol=1e-4)
    assert_allclose(swapped_codes(codes, np.zeros_like(same), 0.1), np.log(3000), rtol=1e-5)


def test_labeled_ignores_rows_without_a_label(strict, gradient):
    logits, labels = normal(12, 6, 4), np.asarray([0, 3, -1, 2, -1, 1])
    value, slope = jax.value_and_grad(labeled)(logits, labels)
    assert_allclose(value, labeled_by_loops(logits, labels), rtol=1e-10)
    assert_allclose(slope, gradient(lambda x: labeled_by_loops(x, labels), logits), atol=1e-10)
    assert not np.asarray(slope)[labels < 0].any()
    assert_allclose(labeled(np.zeros((2, 3, 7)), np.zeros((2, 3), int)), np.log(7), rtol=1e-12)


def test_labeled_without_any_label_is_zero(strict):
    value, slope = jax.value_and_grad(labeled)(normal(13, 3, 4), -np.ones(3, int))
    assert value == 0 and not slope.any()


@pytest.mark.parametrize("scores_at_once", [1, 12, 2**24])
def test_a_kmeans_step_by_loops_in_pieces_of_any_size(strict, scores_at_once):
    rows, centroids = units(14, 23, 5), units(15, 4, 5)
    centroids[3] = -rows.sum(0) / np.linalg.norm(rows.sum(0))
    valid = np.random.default_rng(16).random(23) < 0.7
    step = kmeans_step(*(rows, valid, centroids), scores_at_once=scores_at_once)
    assert_allclose(step, step_by_loops(rows, valid, centroids), atol=1e-10)
    labels = nearest(rows, centroids, scores_at_once=scores_at_once)
    assert_array_equal(labels, np.argmax(rows @ centroids.T, 1))


def test_an_empty_cluster_keeps_its_centroid(strict):
    rows = clumps(17, clusters=1)[0]
    centroids = np.stack([-rows[0], rows[0]])
    step = kmeans_step(rows, np.arange(len(rows)) < 7, centroids)  # a row that does not count fills no cluster
    assert_array_equal(step[0], centroids[0])
    assert_allclose(np.linalg.norm(step, axis=1), 1, rtol=1e-12)


def test_kmeans_ends_with_the_nearest_centroid_and_rises(strict):
    rows = units(18, 60, 4)
    valid = np.random.default_rng(19).random(60) < 0.8
    quality = []
    for iterations in range(5):
        centroids, labels = kmeans(jax.random.key(0), rows, valid, clusters=7, iterations=iterations)
        assert_array_equal(labels[valid], np.argmax(rows @ centroids.T, 1)[valid])
        assert (labels[~valid] == -1).all()
        assert_allclose(np.linalg.norm(centroids, axis=1), 1, rtol=1e-12)
        quality.append(float(np.max(rows @ centroids.T, 1)[valid].sum()))
    assert quality == sorted(quality) and quality[-1] > quality[0]
    started = kmeans(jax.random.key(0), rows, valid, clusters=7, iterations=0)[0]
    distances = np.linalg.norm(started[:, None] - rows[valid][None], axis=-1)
    assert_allclose(distances.min(1), 0, atol=1e-12)  # the start is rows that count, no two alike
    assert len(set(np.asarray(distances.argmin(1)).tolist())) == 7


def test_kmeans_finds_clumps_as_sklearn_does(strict):
    rows, truth = clumps(20)
    best = max(
        (kmeans(jax.random.key(seed), rows, np.ones(40, bool), clusters=4) for seed in range(5)),
        key=lambda result: float(np.max(rows @ result[0].T, 1).sum()),
    )
    pairs = set(zip(truth.tolist(), np.asarray(best[1]).tolist(), strict=True))
    assert len(pairs) == 4  # one cluster for each clump
    other = KMeans(4, n_init=5, random_state=0).fit(rows).labels_
    assert len(set(zip(other.tolist(), np.asarray(best[1]).tolist(), strict=True))) == 4


def test_kmeans_with_fewer_rows_than_clusters(strict):
    rows = units(21, 8, 3)
    valid = np.arange(8) < 3
    centroids, labels = kmeans(jax.random.key(1), rows, valid, clusters=5)
    assert np.isfinite(centroids).all()
    assert sorted(np.asarray(labels).tolist()) == [-1] * 5 + [0, 1, 2]
    centroids, labels = kmeans(jax.random.key(1), rows, np.zeros(8, bool), clusters=5)
    assert np.isfinite(centroids).all() and (labels == -1).all()


def test_kmeans_on_a_mesh_is_kmeans(strict):
    rows, valid = units(22, 64, 4), np.arange(64) % 5 > 0
    run = jax.jit(lambda rows, valid: kmeans(jax.random.key(2), rows, valid, clusters=6, scores_at_once=96))
    mesh = jax.make_mesh((8,), ("data",), axis_types=(jax.sharding.AxisType.Auto,))
    here = NamedSharding(mesh, PartitionSpec("data"))
    centroids, labels = run(jax.device_put(rows, here), jax.device_put(valid, here))
    expected = run(rows, valid)
    assert_allclose(centroids, expected[0], atol=1e-12)
    assert_array_equal(labels, expected[1])


@pytest.mark.parametrize("at_once", [2**24, 20])
def test_several_are_the_nearest_in_order(strict, at_once):
    draw = np.random.default_rng(0)
    rows, centroids = draw.normal(size=(7, 4)), draw.normal(size=(9, 4))
    centroids /= np.linalg.norm(centroids, axis=1, keepdims=True)
    found = clustering.several(rows, centroids, 3, scores_at_once=at_once)
    assert_array_equal(found, np.argsort(-(rows @ centroids.T), 1)[:, :3])
    assert_array_equal(found[:, 0], clustering.nearest(rows, centroids))
