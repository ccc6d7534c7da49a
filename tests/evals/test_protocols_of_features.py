"""Protocols on frozen features beside scikit-learn, or beside loops."""

import jax
import numpy as np
import pytest
from sklearn import metrics
from sklearn.linear_model import Ridge
from sklearn.neighbors import NearestCentroid

from ssl_jax.evals import centroid, clusters, episodes, ranking, ridge_few, share, suite

KEY = jax.random.key(3)


def data(n, seed=0, classes=4, apart=1.5, d=12):
    random = np.random.default_rng(seed)
    y = np.arange(n) % classes
    means = np.random.default_rng(77).normal(size=(classes, d))
    return (apart * means[y] + random.normal(size=(n, d))).astype(np.float32), y.astype(np.int32)


def test_the_nearest_class_mean_is_scikit_learns():
    train, test = data(90), data(200, 1)
    # Of directions, squared distance is 2 - 2 cosine: the same nearest once the means have length 1.
    centers = centroid.means(centroid.unit(train[0]), train[1], classes=4)
    model = NearestCentroid().fit(centers, np.arange(4))
    wanted = np.mean(model.predict(centroid.unit(test[0])) == test[1])
    assert centroid.evaluate(KEY, train, test, classes=4)["accuracy"] == wanted
    for row in range(4):
        mean = centroid.unit(train[0])[train[1] == row].mean(0)
        np.testing.assert_allclose(centers[row], mean / np.linalg.norm(mean), rtol=1e-12)


@pytest.mark.parametrize("shape", [(30, 7), (8, 40)])
def test_ridge_is_scikit_learns_in_either_form(shape):
    random = np.random.default_rng(0)
    x, y = random.normal(size=shape), random.normal(size=(shape[0], 3))
    wanted = Ridge(alpha=5.0, fit_intercept=False, solver="svd").fit(x, y).coef_.T
    np.testing.assert_allclose(ridge_few.fit(x, y, 5.0), wanted, rtol=1e-9, atol=1e-12)


def test_more_labels_do_better_and_separable_classes_are_found():
    train, test = data(400), data(400, 1)
    few, many = (ridge_few.evaluate(KEY, train, test, classes=4, labels=n)["accuracy"] for n in (1, 25))
    assert 0.25 < few < many
    apart = data(400, apart=9.0), data(400, 1, apart=9.0)
    for name in suite.EVERY:
        if name.startswith("episodes_5"):
            name = name.replace("episodes_5", "episodes_4")
        found = suite.evaluate(KEY, *apart, classes=4, which=[name])
        assert found[name] > 0.97, (name, found)


def test_labels_that_mean_nothing_give_chance():
    train, test = data(800), data(800, 1)
    random = np.random.default_rng(5)
    shuffled = [(x, random.permutation(y)) for x, y in (train, test)]
    which = ("centroid", "ridge_10", "share_10", "episodes_4_5", "retrieval")
    found = suite.evaluate(KEY, *shuffled, classes=4, which=which)
    assert all(abs(found[name] - 0.25) < 0.06 for name in which), found
    assert suite.evaluate(KEY, *shuffled, classes=4, which=["clusters"])["details"]["clusters"]["ari"] < 0.02


def test_a_share_is_nested_and_counts_labels():
    train, test = data(400), data(100, 1)
    found = share.evaluate(KEY, train, test, classes=4, percent=10)
    assert found["labels"] == 10 and share.count(train[1], 1) == 1
    few = np.repeat([0, 1], [150, 10])
    assert share.impossible(few, percent=50).startswith("it wants 40 labels a class, and class 1 has 10")


def test_scores_of_clusters_are_scikit_learns():
    random = np.random.default_rng(0)
    for one, other in [
        (random.integers(0, 5, 200), random.integers(0, 3, 200)),
        (np.arange(60) % 4, np.arange(60) % 4),
    ]:
        table = clusters.contingency(one, other)
        np.testing.assert_array_equal(table, metrics.cluster.contingency_matrix(one, other))
        np.testing.assert_allclose(
            clusters.normalized_information(table), metrics.normalized_mutual_info_score(one, other), atol=1e-12
        )
        np.testing.assert_allclose(clusters.adjusted_rand(table), metrics.adjusted_rand_score(one, other), atol=1e-12)
    assert clusters.matched(clusters.contingency((np.arange(60) + 1) % 4, np.arange(60) % 4)) == 1.0


def test_average_precision_is_scikit_learns():
    random = np.random.default_rng(0)
    right = random.random((7, 50)) < 0.2
    wanted = [metrics.average_precision_score(row, -np.arange(50)) for row in right]
    np.testing.assert_allclose(ranking.precisions(right), wanted, rtol=1e-12)


def test_a_ranking_in_parts_is_that_of_all_at_once(monkeypatch):
    train, test = data(90), data(70, 1)
    whole = ranking.evaluate(KEY, train, test, classes=4)
    monkeypatch.setattr(ranking, "CHUNK", 11)
    assert ranking.evaluate(KEY, train, test, classes=4) == pytest.approx(whole)
    cosines = centroid.unit(test[0]) @ centroid.unit(train[0]).T
    first = [train[1][row.argmax()] for row in cosines]
    assert whole["recall@1"] == np.mean(first == test[1])


def test_episodes_have_the_interval_of_their_mean_and_the_same_draws_for_the_same_key():
    test = data(400, 1)
    found = [episodes.evaluate(KEY, test, test, classes=4, ways=3, shots=2) for _ in range(2)]
    assert found[0] == found[1] and 0 < found[0]["interval95"] < 0.03
    one, five = (episodes.evaluate(KEY, test, test, classes=4, ways=3, shots=k)["accuracy"] for k in (1, 5))
    assert 1 / 3 < one < five


def test_what_cannot_run_is_a_sentence():
    y = np.repeat([0, 1, 2], [40, 40, 5]).astype(np.int32)
    reasons = suite.impossible(y, y, which=("episodes_3_1", "ridge_10", "centroid", "share_10"), names=("a", "b", "c"))
    assert reasons == {
        "episodes_3_1": "it wants 3 classes with 1 + 15 test images each, and 2 have as many",
        "ridge_10": "it wants 10 labels a class, and class 'c' has 5 training images",
    }
    for name in ("ridge", "episodes_5", "ridge_0", "share_x", "centroid_3"):
        with pytest.raises(ValueError, match=f"no '{name}' in the protocols"):
            suite.protocol(name)
