"""Where the wall time of a run goes."""

import contextlib
import time
from collections.abc import Callable, Iterator

BUCKETS = ("start-up", "compile", "data wait", "step", "repeated", "checkpoint", "evaluation", "passes", "other")
"""start-up: until the first batch is asked for, restoring included. compile: the first call of the step. data wait: the
loop is blocked by data. step: the step is handed to the device, or its numbers are waited for. repeated: the same for
steps that an earlier process had in its log and lost. checkpoint: saving has the loop wait. evaluation: features and
their readers, during the run and after it. passes: the method reads the data between steps. other: all else."""


class Goodput:
    """A stop-watch that is always in one of `BUCKETS`, so that they sum to the wall time."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter):
        self._clock = clock
        self._seconds = dict.fromkeys(BUCKETS, 0.0)
        self.began = self._since = clock()
        self.bucket = BUCKETS[0]

    def enter(self, bucket: str) -> None:
        """From now on, time is spent on this."""
        now = self._clock()
        self._seconds[self.bucket] += now - self._since
        self.bucket, self._since = bucket, now

    @contextlib.contextmanager
    def on(self, bucket: str) -> Iterator[None]:
        """Time is spent on this inside of `with`, and on what was before it afterwards."""
        before = self.bucket
        self.enter(bucket)
        try:
            yield
        finally:
            self.enter(before)

    def seconds(self) -> dict[str, float]:
        """What every bucket holds until now."""
        self.enter(self.bucket)
        return dict(self._seconds)


def line(seconds: dict[str, float]) -> str:
    """One line: the total, and the buckets that hold any of it, the largest first."""
    total = sum(seconds.values())
    parts = sorted(((s, name) for name, s in seconds.items() if s >= 0.005 * total), reverse=True)
    return f"{total:,.0f} s: " + ", ".join(f"{name} {s / max(total, 1e-9):.0%}" for s, name in parts)
