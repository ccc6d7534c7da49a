"""A thread that ends the process when no step ends: a hang should cost minutes, not the night."""

import contextlib
import faulthandler
import os
import sys
import threading
import time
from collections.abc import Iterator

from ssl_jax.process.exits import HUNG
from ssl_jax.process.goodput import Goodput

LONG = ("start-up", "compile", "checkpoint", "evaluation", "passes")
"""Buckets of time with the longer limit, which counts anew from where each begins."""


class Watchdog:
    """Looks a few times a limit whether a step has ended.

    step_seconds: from the end of a step to that of the next one. other_seconds: for the first step and what is in
    `LONG`. 0 is no limit.
    """

    def __init__(self, step_seconds: float, other_seconds: float, spent: Goodput):
        self._limits = {False: step_seconds, True: other_seconds}
        self._spent, self._closed = spent, threading.Event()
        self._last, self._stepped, self._long = time.monotonic(), False, True

    def ended(self) -> None:
        """A step has ended."""
        self._last, self._stepped = time.monotonic(), True

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Watches inside of `with`."""
        limits = [limit for limit in self._limits.values() if limit > 0]
        if not limits:
            yield
            return
        every = min(5.0, min(limits) / 4)
        thread = threading.Thread(target=self._watch, args=(every,), name="ssl_jax-watchdog", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._closed.set()
            thread.join()
            faulthandler.cancel_dump_traceback_later()

    def _watch(self, every: float) -> None:
        self._arm(every)
        while not self._closed.wait(every):
            bucket = self._spent.bucket
            long = bucket in LONG or not self._stepped
            if long != self._long:
                self._long, self._last = long, time.monotonic()
            waited = time.monotonic() - self._last
            if 0 < self._limits[long] < waited:
                self._end(bucket, waited)
            self._arm(every)

    def _arm(self, every: float) -> None:
        """Winds up C's timer anew: where what hangs holds Python's lock, this thread does not come back to do so."""
        limit = self._limits[self._long]
        if limit:
            faulthandler.dump_traceback_later(limit + 4 * every, exit=True, file=sys.__stderr__)
        else:
            faulthandler.cancel_dump_traceback_later()

    def _end(self, bucket: str, waited: float) -> None:
        print(
            f"ssl-jax: no step has ended for {waited:.0f} s (last seen in: {bucket}); the stacks of all threads:",
            file=sys.__stderr__,
            flush=True,
        )
        faulthandler.dump_traceback(file=sys.__stderr__, all_threads=True)
        os._exit(HUNG)
