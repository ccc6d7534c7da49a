"""Durations: forms, rounding, and when a period ends."""

import math

import pytest

from ssl_jax.config import durations

CLOCK = durations.Clock(examples=1000, batch=64, total=157)


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("10 epochs", 157),  # 10000 / 64 = 156.25
        ("1 epoch", 16),  # 15.625
        ("0.5 epochs", 8),
        ("5000 steps", 5000),
        ("0 steps", 0),
        ("1e3 steps", 1000),
        ("2000000 examples", 31250),
        ("65 examples", 2),
        ("5 %", 8),  # 7.85
        ("100%", 157),
        ("  3 Epochs ", 47),
    ],
)
def test_a_duration_is_rounded_up_to_steps(text, steps):
    assert durations.steps(text, CLOCK) == steps


def test_whole_numbers_of_steps_are_exact_at_any_size():
    clock = durations.Clock(examples=1281167, batch=1, total=10**9)
    assert durations.steps("800 epochs", clock) == 800 * 1281167
    assert durations.steps("7 %", clock) == 7 * 10**7  # 0.07 * 1e9 in floats is 70000000.00000001, so one more


@pytest.mark.parametrize(
    "text", ["", "800", "epochs", "-3 epochs", "3 weeks", "1.2.3 steps", "3 epochs or so", 5, None]
)
def test_a_bad_text_names_itself_and_the_forms(text):
    with pytest.raises(ValueError, match="is no duration; write .*epochs.*steps.*examples.*%") as error:
        durations.steps(text, CLOCK)
    assert repr(text) in str(error.value)


def test_the_run_has_a_clock():
    assert durations.run("10 epochs", examples=1000, batch=64) == CLOCK


@pytest.mark.parametrize(
    ("duration", "examples", "batch", "words"),
    [
        ("5 %", 10, 2, "a percentage is of the run"),
        ("ten epochs", 10, 2, "is no duration"),
        ("1 epoch", 0, 2, "examples in an epoch is 0"),
        ("1 epoch", 10, 0, "examples in a batch is 0"),
    ],
)
def test_a_run_that_cannot_be_is_refused_in_words(duration, examples, batch, words):
    with pytest.raises(ValueError, match=words):
        durations.run(duration, examples=examples, batch=batch)


@pytest.mark.parametrize("every", ["1 epoch", "3 epochs", "0.3 epochs", "7 steps", "100 examples", "5 %", "0.1 %"])
def test_due_is_true_at_the_rounded_up_multiples_and_nowhere_else(every):
    number, unit = every.split()
    period = float(number) * {"e": 1000 / 64, "s": 1, "%": 1.57}[unit[0] if unit != "examples" else "s"]
    period = 100 / 64 if unit == "examples" else period
    ends = {math.ceil(round(k * period, 9)) for k in range(1, 3000)}
    assert [s for s in range(0, 158) if durations.due(every, s, CLOCK)] == sorted(e for e in ends if e <= 157)


def test_epochs_end_where_one_epoch_is_due():
    for step in range(1, 400):
        ended = durations.epochs_done(step, CLOCK) > durations.epochs_done(step - 1, CLOCK)
        assert durations.due("1 epoch", step, CLOCK) == ended


def test_never_and_no_period():
    assert not any(durations.due("never", step, CLOCK) for step in range(200))
    with pytest.raises(ValueError, match='"0 steps" as a period .*never'):
        durations.due("0 steps", 3, CLOCK)
