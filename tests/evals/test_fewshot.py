import jax
import numpy as np
import pytest

from ssl_jax.evals import fewshot, linear, splits


def blobs(n, seed=0, spread=1.0):
    rng = np.random.default_rng(seed)
    y = np.arange(n, dtype=np.int32) % 3
    return (np.eye(3, 8)[y] * 3 + spread * rng.normal(size=(n, 8))).astype(np.float32), y


def test_more_labels_do_better_and_vary_less():
    results = [
        fewshot.evaluate(jax.random.key(0), blobs(300, 0, 2.0), blobs(600, 1, 2.0), classes=3, labels=n)
        for n in (1, 50)
    ]
    assert results[1]["accuracy"] > results[0]["accuracy"] + 0.05
    assert results[1]["std"] < results[0]["std"]
    assert len(results[0]["draws"]) == 5 and np.isclose(np.mean(results[0]["draws"]), results[0]["accuracy"])


def test_the_key_decides_the_draws_alone():
    one, same, other = (
        fewshot.evaluate(jax.random.key(k), blobs(300, 0, 2.0), blobs(200, 1, 2.0), classes=3, labels=2)
        for k in (0, 0, 1)
    )
    assert one == same and one["draws"] != other["draws"]


def test_with_all_labels_every_draw_is_the_probe_on_all_of_train():
    (x, y), (test_x, test_y) = blobs(60), blobs(200, 1)
    result = fewshot.evaluate(jax.random.key(0), (x, y), (test_x, test_y), classes=3, labels=20, draws=2)
    basis = linear.design(x)
    fitted = linear.fit(basis, y, np.ones(60), fewshot.STRENGTH * 8, classes=3)
    wanted = float(np.mean(linear.predict(basis, fitted, test_x) == test_y))
    np.testing.assert_allclose(result["draws"], [wanted] * 2, atol=0.011)


def test_the_labels_that_are_not_drawn_are_not_read():
    (x, y), test = blobs(90, 0, 2.0), blobs(90, 1, 2.0)
    drawn = splits.per_class(jax.random.split(jax.random.key(0), 1)[0], y, 4, classes=3)
    kept = fewshot.evaluate(jax.random.key(0), (x, y), test, classes=3, labels=4, draws=1)
    basis = linear.design(x[drawn], linear.statistics(x))
    fitted = linear.fit(basis, y[drawn], np.ones(12), fewshot.STRENGTH * 8, classes=3)
    assert kept["accuracy"] == np.mean(linear.predict(basis, fitted, test[0]) == test[1])


def test_too_few_labels_is_a_sentence():
    with pytest.raises(ValueError, match="31 labels a class"):
        fewshot.evaluate(jax.random.key(0), blobs(90), blobs(90), classes=3, labels=31)
