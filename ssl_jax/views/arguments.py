"""The values that arguments of operations may have, by the arguments' names: each name means the same everywhere."""

from collections.abc import Callable
from typing import Any

from ssl_jax.views.clips import PLACES
from ssl_jax.views.geometric import KERNELS

LARGEST = 2**15
"""Pixels of a side, beyond which an image is no image."""
COPIES = 1000
"""Views of one group, beyond which a batch is no batch."""


def check(name: str, value: Any, where: str) -> None:
    """Raises ValueError where `value`, of the right type, makes no sense for an argument of this name.

    where: what the value is of, as the sentence begins.
    """
    good, sentence = RULES.get(name, (lambda value: True, ""))
    if not good(value):
        raise ValueError(f"{where} is {value!r}; it must be {sentence}")


def _within(low: float, high: float) -> Callable:
    return lambda value: low <= value <= high


def _rising(low: float, high: float) -> Callable:
    """Two numbers above `low`, the second no smaller than the first and at most `high`."""
    return lambda pair: low < pair[0] <= pair[1] <= high


def _all(good: Callable) -> Callable:
    return lambda values: len(values) > 0 and all(map(good, values))


UNITS = "pixels are in units of 0..1 (divide by 255)"
RULES: dict[str, tuple[Callable, str]] = {
    "size": (_within(1, LARGEST), f"a number of pixels from 1 to {LARGEST}"),
    "frames": (_within(1, LARGEST), f"a number of frames from 1 to {LARGEST}"),
    "stride": (_within(1, LARGEST), f"a number of frames from 1 to {LARGEST}"),
    "seconds": (_within(0, 86_400), "a number of seconds from 0, which means the stride, to 86400"),
    "place": (lambda value: value in PLACES, " or ".join(PLACES)),
    "short_side": (_within(0, LARGEST), f"a number of pixels from 0, which shrinks nothing, to {LARGEST}"),
    "factors": (_rising(0, 1000), "two rising numbers above 0"),
    "offset": (_within(0, 1000), "a distance from 0 to 1000, where a cloud has the radius 1"),
    "axis": (lambda value: value in ("x", "y", "z"), "x, y or z"),
    "grid": (_within(1, 32), "a number of rows and columns from 1 to 32"),
    "jitter": (_within(0, LARGEST), f"a number of pixels from 0 to {LARGEST}"),
    "padding": (_within(0, LARGEST), f"a number of pixels from 0 to {LARGEST}"),
    "scale": (_rising(0, 1), "two rising shares of the area, above 0 and at most 1"),
    "ratio": (_rising(0, 1000), "two rising numbers above 0, width over height"),
    "antialias_above": (_within(1, 1e9), "a factor from 1 on"),
    "method": (lambda value: value in KERNELS, " or ".join(KERNELS)),
    "brightness": (_within(0, 1000), "an amount from 0 on"),
    "contrast": (_within(0, 1000), "an amount from 0 on"),
    "saturation": (_within(0, 1000), "an amount from 0 on"),
    "hue": (_within(0, 0.5), "a part of the circle of colors from 0 to 0.5"),
    "kernel_size": (lambda value: 1 <= value <= LARGEST and value % 2 == 1, "an odd number of pixels"),
    "sigma": (_rising(0, LARGEST), "two rising numbers of pixels above 0"),
    "threshold": (_within(0, 1), f"a number from 0 to 1: {UNITS}"),
    "bits": (_within(1, 8), "a number of bits from 1 to 8"),
    "count": (_within(1, 16), "a number of operations from 1 to 16"),
    "magnitude": (_within(0, 30), "a number from 0 to 30"),
    "mean": (_all(_within(0, 1)), f"a number from 0 to 1 for each channel: {UNITS}"),
    "amount": (_within(0, 10), "an amount from 0 to 10"),
    "share": (_within(0, 1), "a share of the series from 0 to 1"),
    "factor": (_rising(0, 100), "two rising factors above 0"),
    "std": (_all(lambda value: 0 < value <= 1), f"a number above 0, at most 1, for each channel: {UNITS}"),
}
