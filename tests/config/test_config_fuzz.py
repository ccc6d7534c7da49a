"""Every key of every recipe with wrong values: it is accepted, or refused in one sentence that names the key."""

import pytest

from tests import fuzzing


def test_a_wrong_value_for_each_key_is_one_sentence():
    figures = fuzzing.run(fuzzing.spread(seed=0))
    assert figures["faults"] == []
    assert figures["distinct_keys"] == figures["tries"] > 150
    assert figures["refused"] > 0.7 * figures["tries"], "most of the values are wrong anywhere"
    assert figures["recipes"] > 10


def test_the_recipes_are_accepted_as_they_are():
    for name in ("quickstart", "mae_cifar10", "dino_cifar10"):
        batch = fuzzing.base(name)["batch"]
        assert fuzzing.outcome(fuzzing.Try(name, ("batch",), batch)) is None


def test_a_traceback_is_a_fault(monkeypatch):
    monkeypatch.setattr(fuzzing.build, "job", lambda config: config["nothing_like_it"])
    figures = fuzzing.run([fuzzing.Try("quickstart", ("seed",), 1)])
    assert figures["tracebacks"] == 1 and "KeyError" in figures["faults"][0]


def test_a_sentence_without_the_key_is_a_fault():
    each = fuzzing.Try("quickstart", ("lr", "peak"), -1)
    assert "names no key" in fuzzing.fault(each, "it must be 0 or more")
    assert "more than one line" in fuzzing.fault(each, "config.lr: no\nTraceback")
    assert fuzzing.fault(each, "config.lr: it must be 0 or more") is None


@pytest.mark.slow
def test_all_wrong_values_for_all_keys_are_one_sentence_each():
    assert fuzzing.run(fuzzing.every())["faults"] == []
