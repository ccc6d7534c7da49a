import jax
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.model_selection import cross_val_score
from sklearn.svm import LinearSVC

from ssl_jax.evals import linear, newton, one_vs_rest, precision, splits, suite, svm

KEY = jax.random.key(0)


def drawn(n, d=6, classes=3, seed=0, dtype=np.float64):
    """Features and several classes an example, -1 where one does not count."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, d)) * np.linspace(0.3, 3, d)
    score = x @ np.random.default_rng(9).normal(size=(d, classes)) + rng.normal(size=(n, classes))
    truth = (score > np.linspace(0.5, 2, classes)).astype(np.int8)
    truth[rng.uniform(size=truth.shape) < 0.05] = -1
    return x.astype(dtype), truth


def unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def machine(x, column, cost):
    """scikit-learn's, of the examples that count."""
    model = LinearSVC(C=cost, class_weight={1: 2, -1: 1}, dual=False, tol=1e-12, max_iter=10000)
    return model.fit(x[column >= 0], np.where(column[column >= 0] == 1, 1, -1))


def objective(theta, x, column, cost):
    """|theta|^2 / 2 + C sum c max(0, 1 - margin)^2 with loops, the bias last in theta."""
    total = theta @ theta / 2
    for row, mark in zip(x, column, strict=True):
        if mark >= 0:
            margin = (1 if mark == 1 else -1) * (row @ theta[:-1] + theta[-1])
            total += cost * (2 if mark == 1 else 1) * max(0, 1 - margin) ** 2
    return total


@pytest.mark.parametrize("shape", [(80, 6), (30, 50)])
@pytest.mark.parametrize("cost", [0.01, 5.0, 1000.0])
def test_the_machines_are_those_of_scikit_learn(strict, shape, cost, monkeypatch):
    monkeypatch.setattr(svm, "TOLERANCE", 1e-12)
    x, truth = drawn(*shape)
    x = unit(x)
    basis = linear.design(x, (np.zeros(shape[1]), np.ones(shape[1])))
    theta = np.asarray(svm.fitted(basis, truth, cost))
    found = np.asarray(newton.decision(basis.x, theta))
    for k, column in enumerate(truth.T):
        model = machine(x, column, cost)
        np.testing.assert_allclose(found[:, k], model.decision_function(x), rtol=1e-6, atol=1e-6)
        wanted = objective(np.append(model.coef_[0], model.intercept_), x, column, cost)
        own = np.append(np.asarray(basis.rotation) @ theta[:-1, k], theta[-1, k])
        assert objective(own, x, column, cost) == pytest.approx(wanted, rel=1e-10)


def test_logistic_columns_are_those_of_scikit_learn(strict):
    x, truth = drawn(90)
    weight, penalty = (truth >= 0).astype(float), 0.3
    ridge = np.array([[penalty]] * 6 + [[0.0]])
    problem = newton.Problem(x, np.where(truth == 1, 1.0, -1.0), weight, ridge)
    theta, size = newton.fit(problem, np.zeros((7, 3)), np.float64(1e-12), loss=newton.LOGISTIC)
    assert float(size.max()) < 1e-12
    for column, found in zip(truth.T, np.asarray(theta).T, strict=True):
        model = LogisticRegression(C=1 / penalty, tol=1e-12, max_iter=5000)
        model.fit(x[column >= 0], column[column >= 0])
        np.testing.assert_allclose(found, [*model.coef_[0], model.intercept_[0]], rtol=1e-5, atol=1e-6)


def test_the_gradient_is_zero_at_the_end_in_numpy(strict):
    x, truth = drawn(60)
    weight = np.random.default_rng(2).uniform(0.5, 2, truth.shape) * 7
    sign, ridge = np.where(truth == 1, 1.0, -1.0), np.ones((7, 1))
    problem = newton.Problem(x, sign, weight, ridge)
    theta = np.asarray(newton.fit(problem, np.zeros((7, 3)), np.float64(1e-13), loss=newton.SQUARED_HINGE)[0])
    for k in range(3):
        total = theta[:, k].copy()
        for row, s, w in zip(np.c_[x, np.ones(60)], sign[:, k], weight[:, k], strict=True):
            total -= 2 * w * max(0, 1 - s * (row @ theta[:, k])) * s * row
        assert np.abs(total).max() < 1e-10 * np.abs(weight[:, k].sum())


def test_average_precision_is_that_of_scikit_learn_and_of_loops():
    rng = np.random.default_rng(0)
    for decimals in (1, 9):  # with and without equal scores
        truth, score = rng.uniform(size=60) < 0.3, rng.normal(size=60).round(decimals)
        hull, eleven, plain = precision.averages(truth, score)
        assert plain == pytest.approx(average_precision_score(truth, score), abs=1e-12)
        points = [((score >= t) & truth, score >= t) for t in sorted(set(score), reverse=True)]
        known = [(both.sum() / truth.sum(), both.sum() / said.sum()) for both, said in points]
        levels = [max([p for r, p in known if r >= level - 1e-12], default=0) for level in np.linspace(0, 1, 11)]
        assert eleven == pytest.approx(np.mean(levels), abs=1e-12)
        before, area = 0.0, 0.0
        for r, _ in known:
            area += (r - before) * max(p for other, p in known if other >= r)
            before = r
        assert hull == pytest.approx(area, abs=1e-12)


def test_a_perfect_ranking_has_one_and_what_does_not_count_changes_nothing():
    known = np.array([[1, 0], [1, -1], [0, 0], [-1, 0]], np.int8)
    scores = np.array([[3.0, 9], [2, 9], [1, 9], [9, 9]])
    assert precision.means(known, scores) == dict.fromkeys(precision.NAMES, 1.0)
    with pytest.raises(ValueError, match="no example has any of the classes"):
        precision.means(known[2:], scores[2:])


def test_costs_are_those_that_folds_of_train_choose_and_test_is_read_once(strict, monkeypatch):
    monkeypatch.setattr(svm, "TOLERANCE", 1e-10)
    (x, truth), (test_x, asked) = drawn(90), drawn(50, seed=1)
    found = svm.evaluate(KEY, (x, truth), (test_x, asked), classes=3)
    block = jax.random.fold_in(KEY, 0)
    scores = np.zeros((50, 3))
    for k, key in enumerate(jax.random.split(block, 3)):
        column, rows = truth[:, k], truth[:, k] >= 0
        y, fold = column[rows], splits.folds(key, column[rows].astype(np.int32), 3)
        parts = [(np.flatnonzero(fold != p), np.flatnonzero(fold == p)) for p in range(3)]
        values = [
            cross_val_score(
                LinearSVC(C=cost, class_weight={1: 2, 0: 1}, dual=False, tol=1e-10, max_iter=10000),
                unit(x)[rows],
                y,
                cv=parts,
                scoring="average_precision",
            ).mean()  # fmt: skip
            for cost in svm.COSTS
        ]
        assert values[svm.COSTS.index(found["costs"][k])] == pytest.approx(max(values), abs=1e-9)
        scores[:, k] = machine(unit(x), column, found["costs"][k]).decision_function(unit(test_x))
    assert found["map"] == pytest.approx(precision.means(asked, scores)["map"], abs=1e-9)
    other = svm.evaluate(KEY, (x, truth), (test_x, np.roll(asked, 1, 0)), classes=3)
    assert other["costs"] == found["costs"] and other["map"] != found["map"]


def test_few_labels_are_drawn_by_class_and_nested():
    truth = svm.known(np.arange(60) % 3, 3)
    few, more = (svm.drawn(KEY, truth, labels) for labels in (2, 4))
    assert (few == 1).sum(0).tolist() == [2] * 3 and (few == 0).sum(0).tolist() == [4] * 3
    assert np.array_equal(few[few >= 0], truth[few >= 0]) and np.all(more[few >= 0] == few[few >= 0])


def test_the_suite_measures_labeled_images_one_class_against_the_rest():
    rng = np.random.default_rng(0)
    y = np.arange(90) % 3
    x = (np.eye(3)[y] * 2 + rng.normal(size=(90, 3))).astype(np.float32)
    found = suite.evaluate(KEY, (x[:60], y[:60]), (x[60:], y[60:]), classes=3, which=("svm", "svm_5"))
    assert 0.7 < found["svm_5"] <= found["svm"] + 0.05 <= 1.05
    models = [machine(unit(x[:60]), y[:60] == k, cost) for k, cost in enumerate(found["details"]["svm"]["costs"])]
    scores = np.stack([model.decision_function(unit(x[60:])) for model in models], 1)
    wanted = precision.means(svm.known(y[60:], 3), scores)["map"]
    assert found["svm"] == pytest.approx(wanted, abs=5e-3), "in float32"
    assert found["details"]["svm_5"]["std"] > 0 and len(found["details"]["svm_5"]["draws"]) == 5
    assert found["details"]["svm"]["map_11_point"] != found["details"]["svm"]["map_plain"]
    assert suite.chance("svm", y, y) == pytest.approx(1 / 3)
    names = ("a", "b", "c")
    assert suite.impossible(np.array([0, 0, 1, 2]), y, which=("svm_2",), names=names) == {
        "svm_2": "it wants 2 labels a class, and class 'b' has 1 training images"
    }


def test_one_vs_rest_chooses_lambda_on_a_part_of_train_as_scikit_learn_would(strict, monkeypatch):
    monkeypatch.setattr(one_vs_rest, "TOLERANCE", 1e-10)
    monkeypatch.setattr(linear, "LAMBDAS", (1.0, 0.1, 0.01))
    (x, truth), (test_x, asked) = drawn(120), drawn(60, seed=1)
    found = one_vs_rest.evaluate(KEY, (x, truth), (test_x, asked), classes=3)
    z, test_z = ((part - x.mean(0)) / x.std(0) for part in (x, test_x))
    out = splits.folds(KEY, np.zeros(120, np.int32), 5) == 0

    def decided(penalty, rows, shown):
        columns = []
        for column in truth.T:
            kept = rows & (column >= 0)
            model = LogisticRegression(C=1 / (penalty * kept.sum()), tol=1e-10, max_iter=5000)
            columns.append(model.fit(z[kept], column[kept]).decision_function(shown))
        return np.stack(columns, 1)

    scores = {c: precision.means(truth[out], decided(c, ~out, z[out]))["map_11_point"] for c in linear.LAMBDAS}
    assert scores[found["lambda"]] == max(scores.values())
    wanted = precision.means(asked, decided(found["lambda"], np.ones(120, bool), test_z))
    assert {name: found[name] for name in precision.NAMES} == pytest.approx(wanted, abs=1e-9)
