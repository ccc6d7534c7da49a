"""Schedules from data: a number, or a record of what happens between the first step and the last.

Every schedule has one shape: a straight line from `start` to `peak` over `warmup`, then a `kind` of way from there to
`end`, which is reached at `over` and held. Without a warm-up there is one first value, called `peak` where the rest
falls from it (a learning rate, `end` is 0 unless said) and `start` where it does not (a decay, a temperature):

    dict(kind="cosine", peak=0.3, per=256, warmup="10 epochs")             SimCLR, BYOL: linear batch scaling
    dict(kind="cosine", peak=0.075, per=1, rule="sqrt", warmup="10 epochs")   SimCLR's other rule, 0.075 sqrt(batch)
    dict(kind="cosine", start=0.3, peak=4.8, end=0.0048, warmup="10 epochs")  SwAV
    dict(kind="cosine", peak=0.2, end_factor=0.001, per=256, warmup="10 epochs")   Barlow Twins, VICReg
    dict(kind="cosine", start=0.04, end=0.4)                               DINO's weight decay
    dict(kind="cosine", start=0.996, end=1.0)                              BYOL's averaging
    dict(kind="linear", start=0.996, end=1.0, over=1.25)                   MSN's averaging: 1.25 times the run
    dict(kind="linear", start=0.04, end=0.07, over="30 epochs")            DINO's teacher temperature
    dict(kind="steps", peak=0.03, per=256, factor=0.1, at=("120 epochs", "160 epochs"))   MoCo v1
    dict(kind="constant", peak=0.05, per=256)                              SimSiam's predictor
"""

import math
import typing
from typing import NamedTuple

import jax.numpy as jnp
import optax

from ssl_jax.checks import annotations, ranges, spelling
from ssl_jax.config import durations
from ssl_jax.types import Schedule

KINDS = ("constant", "cosine", "linear", "steps")
RULES = ("linear", "sqrt")
MOVING = ("cosine", "linear")
"""The kinds that go all the way to an end."""


class Spec(NamedTuple):
    """A schedule as data.

    start, peak, end: values. end_factor: `end` as a multiple of the effective peak.
    warmup, over: a duration as text, or a fraction of the run; `over` counts from step 0, warm-up included.
    per, rule: the published batch of `peak`, which is multiplied by batch / per, or its square root; only `peak` is.
    factor, at: of kind "steps": what the value is multiplied by, and the durations after which.
    """

    kind: str
    start: float | None = None
    peak: float | None = None
    end: float | None = None
    end_factor: float | None = None
    warmup: str | float = "0 steps"
    over: str | float = 1.0
    per: int | None = None
    rule: str = "linear"
    factor: float | None = None
    at: tuple[str | float, ...] = ()


def make(spec: float | dict, clock: durations.Clock) -> Schedule:
    """The schedule that `spec` describes, a number or the fields of `Spec`, in a run of `clock`.

    Gives float32, whatever the step's type and with x64 on; the values at step 0, at the end of the warm-up and at the
    end are those of `spec`, rounded to float32. The forms are step t of T: (1 + cos(pi t/T))/2 for "cosine"
    (Loshchilov & Hutter 2016, arXiv:1608.03983, eq. 5; as an average 1 - (1 - m)(1 + cos(pi t/T))/2 of BYOL,
    arXiv:2006.07733, section 3.3). Codes that space the warm-up over T - 1 intervals differ by a step at its end.
    Raises ValueError, in a sentence, for what is no schedule.
    """
    if not isinstance(spec, dict):
        value = _number(spec, "a schedule")
        return lambda step: jnp.asarray(value, jnp.float32)
    read = _read(spec)
    warmup = steps(read.warmup, clock)
    first = read.start if read.peak is None else _peak(read, clock.batch)
    main = _main(read, first, warmup, clock)
    start = 0.0 if read.start is None else read.start
    rise = _between(start, first, optax.linear_schedule(1.0, 0.0, warmup))
    joined = optax.join_schedules((rise, main), (warmup,))
    return lambda step: jnp.asarray(joined(jnp.asarray(step, jnp.float32)), jnp.float32)


def scale(spec: float | dict, batch: int) -> float:
    """The effective peak of a rate at this batch, for the log: `peak` times batch / per, or its square root.

    A number is its own peak, as is a `start` without a peak. Linear: Goyal et al. 2017, arXiv:1706.02677; square root:
    SimCLR, arXiv:2002.05709, appendix B.1. Raises ValueError for what is no schedule.
    """
    if not isinstance(spec, dict):
        return _number(spec, "a rate")
    read = _read(spec)
    return read.start if read.peak is None else _peak(read, batch)


def named(name: str, spec: float | dict, clock: durations.Clock) -> Schedule:
    """The schedule of what is called so. ValueError for a temperature that reaches 0 and a decay that leaves 0..1."""
    values = turns(spec, clock.batch)
    if name.endswith("temperature"):
        ranges.above_zero(temperature=min(values))
    if name.endswith("decay"):
        ranges.share(decay=max(values))
    return make(spec, clock)


def turns(spec: float | dict, batch: int) -> tuple[float, ...]:
    """The values between which a schedule goes: its first, its effective peak and its last, as far as it has them.

    Raises ValueError for what is no schedule.
    """
    if not isinstance(spec, dict):
        return (_number(spec, "a schedule"),)
    read = _read(spec)
    peak = None if read.peak is None else _peak(read, batch)
    end = 0.0 if peak is not None and read.kind in MOVING else None
    end = end if read.end is None else read.end
    end = end if read.end_factor is None else read.end_factor * peak
    start = 0.0 if read.start is None and _warms(read) else read.start
    return tuple(value for value in (start, peak, end) if value is not None)


def _warms(read: Spec) -> bool:
    return read.warmup not in ("0 steps", 0, 0.0)


def _peak(read: Spec, batch: int) -> float:
    times = 1.0 if read.per is None else batch / read.per
    return read.peak * (math.sqrt(times) if read.rule == "sqrt" else times)


def _main(read: Spec, first: float, warmup: int, clock: durations.Clock) -> Schedule:
    """What follows the warm-up, as a function of the steps since its end, which a short run may not reach."""
    if read.kind == "constant":
        return optax.constant_schedule(first)
    if read.kind == "steps":
        at = [steps(length, clock) - warmup for length in read.at]
        return optax.piecewise_constant_schedule(first, {step: read.factor ** at.count(step) for step in at})
    length = steps(read.over, clock) - warmup
    if length < 1 and isinstance(read.over, str):
        raise ValueError(
            f"the {read.kind} schedule ends at step {length + warmup} (over={read.over!r}), not after its warm-up of "
            f"{warmup} steps (warmup={read.warmup!r}); make `over` longer or the warm-up shorter"
        )
    end = 0.0 if read.end is None else read.end
    end = end if read.end_factor is None else read.end_factor * first
    length = max(length, 1)
    ramp = optax.linear_schedule(1.0, 0.0, length)
    ramp = optax.cosine_decay_schedule(1.0, length) if read.kind == "cosine" else ramp
    return _between(first, end, ramp)


def _between(start: float, end: float, ramp: Schedule) -> Schedule:
    """From start to end as `ramp` goes from 1 to 0; written so that both ends are exact in float32."""

    def schedule(step):
        r = ramp(step)
        return start * r + end * (1 - r)

    return schedule


def steps(length: str | float, clock: durations.Clock) -> int:
    """The steps of a length of a schedule, a duration or a fraction of the run. ValueError for what is neither."""
    if isinstance(length, str):
        return durations.steps(length, clock)
    found = math.ceil(_number(length, "a length (a fraction of the run)") * clock.total)
    if found > durations.MOST:
        raise ValueError(
            f"a length is {length} times the run, more than {durations.MOST} steps; for steps write a text"
        )
    return found


def _number(value: float, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError(f"{what} is {value!r}; give a finite number, or for a schedule dict(kind=..., ...)")
    if value < 0:
        raise ValueError(f"{what} is {value}; it must be 0 or more")
    return float(value)


def _read(spec: dict) -> Spec:
    for name in spec:
        if name not in Spec._fields:
            raise ValueError(spelling.unknown(name, Spec._fields, "a schedule"))
    if spec.get("kind") not in KINDS:
        raise ValueError(spelling.unknown(spec.get("kind", ""), KINDS, "the kinds of schedules"))
    given = {}
    for name, kind in typing.get_type_hints(Spec).items():
        where = f"a schedule's {name!r}"
        if isinstance(spec.get(name), (int, float)):
            _number(spec[name], where)
        if name in spec:
            value = tuple(spec[name]) if isinstance(spec[name], list) else spec[name]
            given[name] = annotations.fitted(value, kind, where)
    read = Spec(**given)
    for wrong, sentence in _rules(read):
        if wrong:
            raise ValueError(f"the schedule {spec} {sentence}")
    return read


def _rules(read: Spec) -> tuple[tuple[bool, str], ...]:
    """What a schedule must keep: (whether it is broken, what to do), the first to be broken is reported."""
    moves, falls = read.kind in MOVING, read.peak is not None
    warm = _warms(read)
    return (
        (read.start is None and not falls, "has no first value; give `peak`, or `start` where nothing falls from it"),
        (warm and not falls, "has a warm-up to nothing; give `peak`"),
        (not warm and falls and read.start is not None, "has `start` and `peak` but no `warmup` between them"),
        (moves and not falls and read.end is None, "goes nowhere; give `end`"),
        (not moves and (read.end is not None or read.end_factor is not None), f"is {read.kind}: leave out its end"),
        (not moves and read.over != 1.0, f"is {read.kind} and lasts the run: leave out `over`"),
        (read.end is not None and read.end_factor is not None, "has two ends; give `end` or `end_factor`"),
        (read.end_factor is not None and not falls, "has `end_factor`, a multiple of `peak`, but no `peak`"),
        (read.per is not None and not falls, "has `per`, the batch that `peak` is for, but no `peak`"),
        (read.per is not None and read.per <= 0, f"has per={read.per}; it is the batch that `peak` is for"),
        (read.rule not in RULES, f"has another rule: {spelling.unknown(read.rule, RULES, 'the rules')}"),
        (read.rule == "sqrt" and read.per is None, "has a rule but no `per`; with per=1 it is peak * sqrt(batch)"),
        (read.kind == "steps" and (read.factor is None or not read.at), "needs `factor` and `at`"),
        (read.kind != "steps" and (read.factor is not None or bool(read.at)), 'has `factor` or `at`: say kind="steps"'),
        (read.factor is not None and read.factor < 0, "has a negative factor"),
    )
