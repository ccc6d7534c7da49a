"""The heart rate of a stretch of a photoplethysmogram, and why it is not told where the signal does not allow it."""

import numpy as np
import scipy  # which loads its parts, half a second, when they are asked for

SLOWEST, FASTEST = 40.0, 180.0
"""Beats a minute that are looked for."""
LEAST = 4
"""Beats in a window."""
SPREAD = 0.15
"""Of the intervals between beats, their standard deviation over their mean, beyond which a beat was missed or added."""
AGREE = 0.1
"""How far, as a share, the rate of the autocorrelation may lie from that of the beats."""
LIKE = 0.4
"""The least correlation of the window with itself, one beat later."""


def heart_rate(x: np.ndarray, rate: float) -> tuple[float, str]:
    """(beats a minute, "") of readings float [t], `rate` of them a second; (NaN, why) where they do not tell.

    Beats are the peaks that stand out by half of the range between the 5th and 95th percentile (`scipy.signal`), the
    dicrotic waves between them do not; the rate is 60 over the mean interval. A window is refused that is flat or has
    missing readings, with fewer than LEAST beats, with intervals that differ by more than SPREAD, and where the
    autocorrelation, which knows of no peaks, has its best lag at another rate or none worth the name.
    """
    if not np.isfinite(x).all():
        return np.nan, "missing readings"
    low, high = np.percentile(x, [5, 95])
    if high <= low:
        return np.nan, "flat"
    shortest = max(1, int(rate * 60 / FASTEST))
    beats, _ = scipy.signal.find_peaks(x, distance=shortest, prominence=(high - low) / 2)
    if len(beats) < LEAST:
        return np.nan, f"fewer than {LEAST} beats"
    intervals = np.diff(beats) / rate
    if intervals.std() > SPREAD * intervals.mean():
        return np.nan, "irregular intervals"
    found = 60 / intervals.mean()
    lag, likeness = _period(x, shortest, min(int(rate * 60 / SLOWEST), len(x) // 2))
    if likeness < LIKE or abs(60 * rate / lag - found) > AGREE * found:
        return np.nan, "another rate by autocorrelation"
    return float(found), ""


def _period(x: np.ndarray, shortest: int, longest: int) -> tuple[int, float]:
    """The lag, within these, at which a window is most like itself, and the correlation there.

    Of a regular pulse two beats later is as like: the first lag counts that is as good as the best one to a tenth.
    """
    centered = x - x.mean()
    products = scipy.signal.correlate(centered, centered, mode="full")[len(x) - 1 :] / np.arange(len(x), 0, -1)
    found = products[shortest : longest + 1] / products[0]
    if not len(found):
        return 1, 0.0
    good = found >= 0.9 * found.max()
    first = int(np.argmax(good))
    end = first + int(np.argmin(np.append(good[first:], False)))
    best = first + int(np.argmax(found[first:end]))
    return shortest + best, float(found[best])
