import jax
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from ssl_jax.evals import linear

CLASSES = 4


def blobs(n, d, seed=0, dtype=np.float64):
    """Overlapping classes in correlated features of very different scales."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, CLASSES, n).astype(np.int32)
    mix = np.random.default_rng(99).normal(size=(d, d)) * 10.0 ** np.linspace(-2, 2, d)
    means = np.random.default_rng(98).normal(size=(CLASSES, d))
    return ((means[y] + rng.normal(size=(n, d))) @ mix + 3).astype(dtype), y


def standardized(x):
    return (x - x.mean(0, keepdims=True)) / x.std(0, keepdims=True)


def objective(kernel, bias, x, y, penalty):
    """Mean cross-entropy + penalty / 2 ||W||^2, with loops."""
    total = 0.0
    for row, label in zip(x, y, strict=True):
        logits = kernel @ row + bias
        total += np.log(np.sum(np.exp(logits - logits.max()))) + logits.max() - logits[label]
    return total / len(x) + penalty / 2 * np.sum(kernel**2)


@pytest.mark.parametrize("shape", [(120, 9), (40, 90)])
@pytest.mark.parametrize("penalty", [1.0, 1e-3])
def test_the_optimum_is_that_of_scikit_learn(strict, shape, penalty):
    x, y = blobs(*shape)
    basis = linear.design(x)
    found = linear.fit(basis, y, np.ones(len(y)), penalty, classes=CLASSES, tolerance=1e-7)
    model = LogisticRegression(C=1 / (penalty * len(y)), tol=1e-10, max_iter=5000).fit(standardized(x), y)
    kernel = found.kernel @ np.asarray(basis.rotation).T
    wanted = objective(model.coef_, model.intercept_, standardized(x), y, penalty)
    np.testing.assert_allclose(found.objective, wanted, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(objective(kernel, found.bias, standardized(x), y, penalty), wanted, rtol=1e-8, atol=1e-8)
    assert np.array_equal(linear.predict(basis, found, x), model.predict(standardized(x)))


def test_float32_comes_within_a_thousandth():
    x, y = blobs(300, 20, dtype=np.float32)
    found = linear.fit(linear.design(x), y, np.ones(300), 1e-3, classes=CLASSES)
    model = LogisticRegression(C=1 / 0.3, tol=1e-10, max_iter=5000).fit(standardized(x.astype(float)), y)
    wanted = objective(model.coef_, model.intercept_, standardized(x.astype(float)), y, 1e-3)
    assert abs(found.objective - wanted) < 1e-3


def test_examples_of_weight_zero_are_not_there(strict):
    x, y = blobs(100, 5)
    basis, weight = linear.design(x), (np.arange(100) % 3 > 0).astype(float)
    part = basis._replace(x=basis.x[weight > 0])
    a = linear.fit(basis, y, weight, 0.01, classes=CLASSES, tolerance=1e-8)
    b = linear.fit(part, y[weight > 0], np.ones(int(weight.sum())), 0.01, classes=CLASSES, tolerance=1e-8)
    np.testing.assert_allclose(a.kernel, b.kernel, atol=1e-6)


def test_a_warm_start_ends_in_the_same_place(strict):
    x, y = blobs(100, 5)
    basis = linear.design(x)
    options = {"classes": CLASSES, "tolerance": 1e-8}
    strong = linear.fit(basis, y, np.ones(100), 1.0, **options)
    cold = linear.fit(basis, y, np.ones(100), 0.01, **options)
    warm = linear.fit(basis, y, np.ones(100), 0.01, strong, **options)
    np.testing.assert_allclose(cold.kernel, warm.kernel, atol=1e-4)


def test_the_scale_and_offset_of_a_feature_do_not_matter(strict):
    x, y = blobs(100, 5)
    other = x * np.array([1e-3, 1, 7, 1e4, 2]) + np.array([5, 0, -3, 1, 100])
    fits = [linear.fit(linear.design(v), y, np.ones(100), 0.01, classes=CLASSES, tolerance=1e-9) for v in (x, other)]
    np.testing.assert_allclose(fits[0].objective, fits[1].objective, rtol=1e-10)


def test_a_constant_feature_changes_nothing_even_where_test_wakes_it(strict):
    x, y = blobs(100, 5)
    with_constant = np.concatenate([x, np.full((100, 1), 5.1)], 1)
    plain, more = linear.design(x), linear.design(with_constant)
    fits = [linear.fit(b, y, np.ones(100), 0.01, classes=CLASSES, tolerance=1e-9) for b in (plain, more)]
    np.testing.assert_allclose(fits[0].objective, fits[1].objective, rtol=1e-10)
    awake = np.concatenate([x, np.full((100, 1), 1e6)], 1)
    assert np.array_equal(linear.predict(more, fits[1], awake), linear.predict(plain, fits[0], x))


def test_a_strong_penalty_predicts_the_prior_and_weights_shrink_with_it(strict):
    x, y = blobs(200, 5)
    basis = linear.design(x)
    norms = [np.linalg.norm(linear.fit(basis, y, np.ones(200), p, classes=CLASSES).kernel) for p in (1e6, 1, 0.1, 0.01)]
    assert norms == sorted(norms) and norms[0] < 1e-5
    bias = linear.fit(basis, y, np.ones(200), 1e6, classes=CLASSES, tolerance=1e-7).bias
    np.testing.assert_allclose(np.exp(bias) / np.exp(bias).sum(), np.bincount(y) / 200, atol=1e-4)


def test_the_first_loss_is_log_classes():
    x, y = blobs(50, 5, dtype=np.float32)
    theta = np.zeros((CLASSES, 6), np.float32)
    value = linear._objective(theta, x, y, np.full(50, 1 / 50, np.float32), 1.0)
    np.testing.assert_allclose(value, np.log(CLASSES), rtol=1e-6)


def test_statistics_do_not_depend_on_the_chunk():
    x, _ = blobs(100, 5)
    for found, wanted in zip(linear.statistics(x, chunk=7), (x.mean(0), 1 / x.std(0)), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-10)


def test_evaluate_beats_chance_and_chooses_without_test():
    train, (x, y) = blobs(400, 12, dtype=np.float32), blobs(200, 12, seed=1, dtype=np.float32)
    result = linear.evaluate(jax.random.key(0), train, (x, y), classes=CLASSES)
    shuffled = linear.evaluate(jax.random.key(0), train, (x, np.roll(y, 1)), classes=CLASSES)
    assert result["accuracy"] > 0.8 > 0.5 > shuffled["accuracy"]
    assert result["lambda"] == shuffled["lambda"]
    assert result["gradient"] < 1e-3
    assert list(result["validation"])[0] == "10"


def test_shuffled_labels_give_chance():
    x, y = blobs(400, 12, dtype=np.float32)
    mixed = np.random.default_rng(5).permutation(y)
    test_x, test_y = blobs(1000, 12, seed=1, dtype=np.float32)
    result = linear.evaluate(jax.random.key(0), (x, mixed), (test_x, test_y), classes=CLASSES)
    assert abs(result["accuracy"] - 1 / CLASSES) < 0.12


def test_classes_count_alike_in_the_mean_per_class():
    y = np.array([0, 0, 0, 2, 2, 3])
    right = np.array([True, True, False, True, False, False])
    found = linear.by_class(right, y, 4)
    assert found["per_class"] == [pytest.approx(2 / 3), None, 0.5, 0.0]
    assert found["mean_per_class"] == pytest.approx((2 / 3 + 0.5) / 3)
