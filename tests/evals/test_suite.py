import json

import jax
import numpy as np
import pytest

from ssl_jax.evals import suite


def images(n, seed):
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 4
    return (np.eye(4)[y].reshape(n, 2, 2, 1) * 2 + rng.normal(size=(n, 2, 2, 1))).astype(np.float32), y


def run(train=None, test=None, which=("knn", "linear", "few_shot_5"), key=0, classes=4):
    return suite.evaluate(
        jax.random.key(key), train or images(120, 0), test or images(80, 1), classes=classes, which=which
    )


def test_gives_the_numbers_that_were_asked_for_and_json_can_write_them():
    result = run()
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    assert all(0.5 < result[name] <= 1 for name in ("knn", "linear", "few_shot_5"))
    assert result["details"]["n_test"] == 80 and result["details"]["features"] == 4
    assert result["details"]["few_shot_5"]["std"] >= 0


def test_the_same_key_gives_the_same_numbers():
    a, b = run(), run()
    assert [a[k] for k in ("knn", "linear", "few_shot_5")] == [b[k] for k in ("knn", "linear", "few_shot_5")]


def test_a_test_set_without_some_class_is_fine():
    x, y = images(80, 1)
    assert 0 < run(test=(x[y < 2], y[y < 2]), which=("knn", "linear"))["knn"] <= 1


def test_bad_input_is_one_sentence():
    (x, y), bad = images(120, 0), np.full((120, 4), np.nan)
    for options, sentence in [
        ({"train": (x, np.full(120, -1))}, "120 of the 120 examples of the training set have no label"),
        ({"classes": 3}, "the label 3, but there are 3 classes"),
        ({"which": ("knnn",)}, "no 'knnn' in the protocols.*did you mean knn?"),
        ({"which": ("few_shot_0",)}, "no 'few_shot_0' in the protocols.* did you mean few_shot_N"),
        ({"train": (bad, y)}, "120 of the 120 examples of the training set are not finite"),
        ({"train": (x[:100], y)}, "100 rows of features and 120 labels"),
        ({"train": (x[:, :1], y)}, "train has 2 features and test 4"),
    ]:
        with pytest.raises(ValueError, match=sentence):
            run(**options)


def test_words_that_stand_for_several_may_be_among_names():
    assert suite.asked("all") == suite.asked("none, all") == suite.STANDARD and suite.asked("none") == ()
    both = suite.asked("svm, all,extra", accepts="extra".__eq__)
    assert both == ("svm", *suite.STANDARD, "extra") and suite.asked("knn,all") == suite.STANDARD
    with pytest.raises(ValueError, match="no 'evry' in the protocols.*did you mean every"):
        suite.asked("knn,evry")
