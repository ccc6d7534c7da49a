"""Schedules: published points, both ends exact, errors in words."""

import math
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ssl_jax.config.durations import Clock
from ssl_jax.optim import schedules

IMAGENET = Clock(examples=1281167, batch=4096, total=31279)  # 100 epochs
CLOCK = Clock(examples=1000, batch=100, total=1000)  # 100 epochs of 10 steps

SIMCLR = dict(kind="cosine", peak=0.3, per=256, warmup="10 epochs")
SWAV = dict(kind="cosine", start=0.3, peak=4.8, end=0.0048, warmup="10 epochs")
DECAY = dict(kind="cosine", start=0.04, end=0.4)
BYOL = dict(kind="cosine", start=0.996, end=1.0)
MSN = dict(kind="linear", start=0.996, end=1.0, over=1.25)
TEACHER = dict(kind="linear", start=0.04, end=0.07, over="30 epochs")
MOCO = dict(kind="steps", peak=0.03, per=256, factor=0.1, at=("60 epochs", "80 epochs"))
SIMSIAM = dict(kind="constant", peak=0.05, per=256)
ALL = [SIMCLR, SWAV, DECAY, BYOL, MSN, TEACHER, MOCO, SIMSIAM, 0.3]


def cosine(start, end, t, total):
    return end + (start - end) * (1 + math.cos(math.pi * t / total)) / 2


@pytest.mark.parametrize(
    ("spec", "points"),
    [
        (SWAV, {0: 0.3, 50: 2.55, 100: 4.8, 550: cosine(4.8, 0.0048, 450, 900), 1000: 0.0048, 1500: 0.0048}),
        (DECAY, {0: 0.04, 500: 0.22, 250: cosine(0.04, 0.4, 1, 4), 1000: 0.4}),
        (BYOL, {0: 0.996, 333: 1 - (1 - 0.996) * (1 + math.cos(math.pi * 0.333)) / 2, 1000: 1.0}),
        (MSN, {0: 0.996, 625: 0.998, 1000: 0.996 + 0.004 * 0.8, 1250: 1.0}),
        (TEACHER, {0: 0.04, 150: 0.055, 300: 0.07, 999: 0.07}),
        (SIMSIAM, {0: 0.05 * 100 / 256, 999: 0.05 * 100 / 256}),
        (0.3, {0: 0.3, 999: 0.3}),
        (dict(kind="constant", peak=2.0, start=1.0, warmup="10 steps"), {0: 1.0, 5: 1.5, 10: 2.0, 999: 2.0}),
        (
            dict(kind="cosine", peak=0.2, per=50, end_factor=0.001, warmup=0.1),
            {0: 0.0, 50: 0.2, 100: 0.4, 1000: 0.0004},
        ),
        (
            dict(kind="steps", peak=0.1, factor=0.2, at=("60 epochs", "70 %", 0.8)),
            {0: 0.1, 599: 0.1, 600: 0.02, 699: 0.02, 700: 0.004, 799: 0.004, 800: 0.0008, 999: 0.0008},
        ),
        (
            dict(kind="steps", peak=0.1, factor=0.5, at=("30 steps", "3 epochs"), warmup="20 steps"),
            {0: 0.0, 10: 0.05, 20: 0.1, 29: 0.1, 30: 0.025},
        ),
    ],
)
def test_published_points(spec, points):
    schedule = schedules.make(spec, CLOCK)
    for step, value in points.items():
        np.testing.assert_allclose(schedule(step), value, rtol=3e-7, err_msg=f"step {step}")


@pytest.mark.parametrize("spec", [SWAV, DECAY, BYOL, TEACHER])
def test_first_peak_and_last_values_are_the_published_float32_numbers(spec):
    schedule = schedules.make(spec, CLOCK)
    assert schedule(0) == np.float32(spec["start"])
    assert schedule(1000) == np.float32(spec["end"])
    if "peak" in spec:
        assert schedule(100) == np.float32(spec["peak"])


def test_moco_drops_twice():
    values = [float(schedules.make(MOCO, CLOCK)(step)) for step in (0, 599, 600, 799, 800, 999)]
    np.testing.assert_allclose(values, 0.03 * 100 / 256 * np.array([1, 1, 0.1, 0.1, 0.01, 0.01]), rtol=1e-6)


@pytest.mark.parametrize("spec", ALL)
@pytest.mark.parametrize("warmup", [None, "0 steps", 0])
@pytest.mark.parametrize("x64", [False, True])
def test_a_float32_scalar_that_is_never_nan(spec, warmup, x64):
    if warmup is not None and isinstance(spec, dict):
        spec = {k: v for k, v in spec.items() if k != "start" or "peak" not in spec} | {"warmup": warmup}
    with jax.enable_x64(x64), jax.numpy_dtype_promotion("strict"):
        schedule = jax.jit(schedules.make(spec, CLOCK))
        for step in (0, 1, 99, 100, 101, 999, 1000, 10**7):
            value = schedule(jnp.asarray(step, jnp.int32))
            assert value.dtype == jnp.float32 and value.shape == () and jnp.isfinite(value)


def test_batch_scaling_is_said_once():
    assert schedules.scale(SIMCLR, 4096) == pytest.approx(4.8)
    assert schedules.scale(dict(kind="cosine", peak=0.075, per=1, rule="sqrt"), 4096) == pytest.approx(4.8)
    assert schedules.scale(dict(kind="cosine", peak=0.075, per=1, rule="sqrt"), 1024) == pytest.approx(2.4)
    assert schedules.scale(SWAV, 4096) == 4.8
    assert schedules.scale(0.1, 4096) == 0.1
    schedule = schedules.make(SIMCLR, IMAGENET)
    np.testing.assert_allclose(schedule(3128), 4.8, rtol=1e-6)  # 10 epochs are 3127.9 steps


@pytest.mark.parametrize("total", [3, 50, 100])
def test_a_run_cut_short_is_the_beginning_of_the_warm_up(total):
    short = schedules.make(SIMCLR, CLOCK._replace(total=total))
    long = schedules.make(SIMCLR, CLOCK)
    for step in range(total + 1):
        assert short(step) == long(step)


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (dict(kind="cosin", peak=1.0), "no 'cosin' in the kinds of schedules; did you mean cosine"),
        (dict(peak=1.0), "no '' in the kinds of schedules; there are constant, cosine, linear, steps"),
        (dict(kind="cosine", peek=1.0), "no 'peek' in a schedule; did you mean peak"),
        (dict(kind="cosine", peak="1.0"), "'peak' is '1.0', a str; it takes None or float"),
        (dict(kind="cosine", peak=math.nan), "finite"),
        ("cosine", "a schedule is 'cosine'"),
        (True, "a schedule is True"),
        (dict(kind="cosine"), "has no first value"),
        (dict(kind="cosine", start=1.0), "goes nowhere"),
        (dict(kind="cosine", start=1.0, peak=2.0), "no `warmup` between"),
        (dict(kind="cosine", start=1.0, end=2.0, warmup="1 epoch"), "has a warm-up to nothing"),
        (dict(kind="cosine", peak=1.0, end=0.1, end_factor=0.1), "two ends"),
        (dict(kind="cosine", start=1.0, end=0.1, per=256), "no `peak`"),
        (dict(kind="cosine", peak=1.0, per=0), "per=0"),
        (dict(kind="cosine", peak=1.0, per=1, rule="square"), "no 'square' in the rules; did you mean sqrt?"),
        (dict(kind="cosine", peak=1.0, rule="sqrt"), "no `per`"),
        (dict(kind="constant", peak=1.0, end=0.0), "leave out its end"),
        (dict(kind="steps", peak=1.0, factor=0.1), "needs `factor` and `at`"),
        (dict(kind="cosine", peak=1.0, at=(0.5,)), 'kind="steps"'),
        (dict(kind="cosine", peak=1.0, over="5 epochs", warmup="10 epochs"), "not after its warm-up of 100 steps"),
        (dict(kind="cosine", peak=1.0, warmup="10 years"), "'10 years' is no duration"),
        (dict(kind="cosine", peak=1.0, warmup=-0.1), "'warmup' is -0.1; it must be 0 or more"),
    ],
)
def test_what_is_no_schedule_is_refused_in_words(spec, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        schedules.make(spec, CLOCK)


@pytest.mark.parametrize(
    ("spec", "values"),
    [
        (0.04, (0.04,)),
        (SIMCLR, (0.0, schedules.scale(SIMCLR, CLOCK.batch), 0.0)),
        (dict(kind="linear", start=0.04, end=0.07, over=0.5), (0.04, 0.07)),
        (dict(kind="constant", peak=0.1, per=CLOCK.batch // 2), (0.2,)),
        (dict(kind="constant", peak=0.1, warmup=0.1), (0.0, 0.1)),
        (dict(kind="cosine", start=0.3, peak=4.8, end_factor=0.5, warmup=0.1), (0.3, 4.8, 2.4)),
    ],
)
def test_turns_are_the_values_that_a_schedule_comes_by(spec, values):
    assert schedules.turns(spec, CLOCK.batch) == pytest.approx(values)
    made = [float(schedules.make(spec, CLOCK)(step)) for step in range(CLOCK.total + 1)]
    assert min(values) - 1e-6 <= min(made) and max(made) <= max(values) + 1e-6
