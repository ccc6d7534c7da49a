"""Durations as text: "800 epochs", "5000 steps", "2000000 examples", "5 %" of the run; and "is it time"."""

import math
import re
from fractions import Fraction
from typing import NamedTuple

FORMS = '"800 epochs", "5000 steps", "2000000 examples" or "5 %" (of the run)'
_PATTERN = re.compile(r"(\d{1,18}(?:\.\d{1,18})?(?:e\d{1,2})?)\s*(epoch|step|example|%)s?")
MOST = 2**31 - 1
"""Steps that a run can count, in int32."""


class Clock(NamedTuple):
    """What turns a duration into steps.

    examples: in one epoch. batch: examples a step, over all devices. total: steps of the whole run.
    """

    examples: int
    batch: int
    total: int


def run(duration: str, *, examples: int, batch: int) -> Clock:
    """The clock of a run that lasts `duration`, which cannot be a percentage; "0 steps" is a run without a step.

    Raises ValueError for a bad text, a percentage, no examples or no batch.
    """
    for name, value in (("examples in an epoch", examples), ("examples in a batch", batch)):
        if value < 1:
            raise ValueError(f"the number of {name} is {value}; it must be 1 or more")
    if isinstance(duration, str) and duration.strip().endswith("%"):
        raise ValueError(f'the run\'s own duration is "{duration}"; a percentage is of the run: give epochs or steps')
    return Clock(examples, batch, steps(duration, Clock(examples, batch, 0)))


def steps(text: str, clock: Clock) -> int:
    """The steps in a duration, rounded up: epochs * examples / batch, examples / batch, percent * total / 100.

    An epoch is a whole pass, so a step that straddles its end belongs to it. "0 steps" is 0.
    Raises ValueError for a text that is no duration, and for more steps than a run can count.
    """
    found = math.ceil(_exact(text, clock))
    if found > MOST:
        raise ValueError(f'"{text}" is more than {MOST} steps, which no run can count; give a shorter duration')
    return found


def due(every: str, step: int, clock: Clock) -> bool:
    """Whether the `step`-th step done (1 is the first) ends one of the periods of length `every`.

    Periods that are no whole number of steps end at the rounded-up multiples, so that "1 epoch" is due once for
    each epoch however long the run. "never" is never due, and nothing is in a run without a step. Raises ValueError
    for a bad text or an empty period.
    """
    if every == "never":
        return False
    period = _exact(every, clock)
    if not clock.total:
        return False
    if period <= 0:
        raise ValueError(f'"{every}" as a period is no step at all; give a longer one, or "never"')
    return step > 0 and math.ceil(step // period * period) == step


def epochs_done(step: int, clock: Clock) -> int:
    """Whole passes over the examples that are over after `step` steps; rises where "1 epoch" is due."""
    return step * clock.batch // clock.examples


def into_epoch(step: int, clock: Clock) -> int:
    """Steps since the first one of the epoch in which `step` steps done have come; 0 where an epoch begins."""
    begun = epochs_done(step, clock) * clock.examples
    return step - -(-begun // clock.batch)


def _exact(text: str, clock: Clock) -> Fraction:
    found = _PATTERN.fullmatch(text.strip().lower()) if isinstance(text, str) else None
    if not found:
        raise ValueError(f"{text!r} is no duration; write {FORMS}")
    number = Fraction(found[1])
    return {
        "epoch": number * clock.examples / clock.batch,
        "step": number,
        "example": number / clock.batch,
        "%": number * clock.total / 100,
    }[found[2]]
