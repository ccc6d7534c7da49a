import numpy as np
import pytest
import scipy.stats
from numpy.testing import assert_allclose
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

from ssl_jax.evals import regression


def drawn(n, d, k=2, seed=0):
    g = np.random.default_rng(seed)
    x = g.normal(size=(n, d)) * 10.0 ** np.linspace(-1, 1, d) + 3
    y = np.tanh(x @ np.random.default_rng(1).normal(size=(d, k)) / 10) + 0.1 * g.normal(size=(n, k))
    return x, y


@pytest.mark.parametrize("shape", [(60, 7), (20, 50)])
@pytest.mark.parametrize("penalty", [10.0, 1e-2, 1e-5])
def test_the_fit_is_that_of_scikit_learn(shape, penalty):
    x, y = drawn(*shape)
    ((kernel, bias),) = regression.fit(x, y, [penalty])
    model = Ridge(alpha=penalty * len(x), solver="svd").fit(x, y)
    assert_allclose(kernel, model.coef_.T, rtol=1e-6, atol=1e-9)
    assert_allclose(bias, model.intercept_, rtol=1e-6, atol=1e-7)


def test_scores_are_those_of_scikit_learn_and_scipy():
    truth, predicted = drawn(40, 3)[1], drawn(40, 3, seed=4)[1].round(1)
    found = regression.scores(truth, predicted)
    assert_allclose(found["mae"], mean_absolute_error(truth, predicted))
    assert_allclose(found["rmse"], np.mean(root_mean_squared_error(truth, predicted, multioutput="raw_values")))
    assert_allclose(found["r2"], r2_score(truth, predicted))
    ranks = [scipy.stats.spearmanr(truth[:, i], predicted[:, i]).statistic for i in range(2)]
    assert_allclose(found["spearman"], np.mean(ranks))


def test_the_mean_has_r2_zero_and_the_truth_one():
    y = drawn(30, 3)[1]
    mean = regression.mean_of(y, y)
    assert abs(mean["r2"]) < 1e-12 and mean["spearman"] == 0
    perfect = regression.scores(y, y)
    assert_allclose(perfect["r2"], 1)
    assert_allclose((perfect["mae"], perfect["rmse"]), 0, atol=1e-12)
    with pytest.raises(ValueError, match="R² has no meaning"):
        regression.scores(np.ones((4, 1)), np.ones((4, 1)))


def test_the_penalty_is_chosen_on_the_held_out_part_and_test_is_read_once():
    train, test = drawn(200, 40, k=1), drawn(100, 40, k=1, seed=7)
    found = regression.evaluate(train, test)
    out = regression.held_out(200)
    x = (train[0] - train[0].mean(0)) / train[0].std(0)
    errors = {
        penalty: np.square(
            Ridge(alpha=penalty * (~out).sum(), solver="svd").fit(x[~out], train[1][~out]).predict(x[out])[:, None]
            - train[1][out]
        ).mean()  # fmt: skip
        for penalty in regression.LAMBDAS
    }
    assert found["lambda"] == min(errors, key=errors.get)
    model = Ridge(alpha=found["lambda"] * 200, solver="svd").fit(x, train[1])
    predicted = model.predict((test[0] - train[0].mean(0)) / train[0].std(0))
    assert_allclose(found["mae"], mean_absolute_error(test[1], predicted), rtol=1e-6)
    other = regression.evaluate(train, (test[0], test[1] * 3))
    assert other["lambda"] == found["lambda"]


def test_neighbors_are_held_out_together():
    out = regression.held_out(100)
    assert out.sum() == 20 and np.abs(np.diff(out.astype(int))).sum() == 10


def test_a_dead_feature_and_affine_targets_change_nothing():
    train, test = drawn(80, 5, k=1), drawn(40, 5, k=1, seed=3)
    first = regression.evaluate(train, test)
    dead = [np.concatenate([x, np.full((len(x), 1), 5.0)], 1) for x, _ in (train, test)]
    assert_allclose(regression.evaluate((dead[0], train[1]), (dead[1], test[1]))["r2"], first["r2"], rtol=1e-9)
    other = regression.evaluate((train[0], 60 + 20 * train[1]), (test[0], 60 + 20 * test[1]))
    assert_allclose([other["r2"], other["mae"]], [first["r2"], 20 * first["mae"]], rtol=1e-9)


def test_what_cannot_be_measured_is_a_sentence():
    y = drawn(30, 2)[1]
    assert regression.impossible(y, y) == ""
    assert "wants 20 training examples with a target, and there are 5" in regression.impossible(y[:5], y)
    assert "2 test examples with a target, and there are 1" in regression.impossible(y, y[:1])
    assert "the test targets are all alike" in regression.impossible(y, y * 0)
    x = np.full((30, 2), np.nan)
    with pytest.raises(ValueError, match="not finite: the encoder has diverged"):
        regression.evaluate((x, y), (x, y))
