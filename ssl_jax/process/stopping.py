"""SIGTERM and SIGINT: the run ends as soon as it can without a loss."""

import contextlib
import os
import signal
import socket
import threading
from collections.abc import Iterator
from typing import Any


class Interrupted(Exception):
    """Work that may be left out was left, because a signal came."""


class Stop:
    """Whether a signal has asked the run to end.

    idle: nothing would be lost by ending this very moment, as before the first step and after the last save.
    """

    def __init__(self):
        self._event, self._others, self._agreed = threading.Event(), None, False
        self.idle = True

    def join(self, others: Any) -> None:
        """From now on the answer is that of all processes: of `others`, with `set()` and `reached() -> bool`.

        Nothing is idle then, since the others would wait for a process that has gone.
        """
        self._others, self.idle = others, False
        if self._event.is_set():
            others.set()

    def is_set(self) -> bool:
        """Whether to end. With several processes, what they had agreed on when they were asked last."""
        return self._event.is_set() if self._others is None else self._agreed

    def asked(self) -> bool:
        """`is_set`, after asking the other processes; all of them have to come here equally often."""
        self._agreed = self._agreed or self._others is not None and self._others.reached()
        return self.is_set()

    def set(self) -> None:
        """As a signal does."""
        self._event.set()
        if self._others is not None:
            self._others.set()

    def check(self) -> None:
        """Raises Interrupted where the answer of `asked` is to end."""
        if self.asked():
            raise Interrupted


@contextlib.contextmanager
def by_signals() -> Iterator[Stop]:
    """What SIGTERM and the first SIGINT set; only in the main thread, which alone may listen.

    While the run is idle, SIGTERM ends the process with code 0 at once, even inside a compilation, during which Python
    runs no handlers: a thread reads of the signal from a socket. SIGINT is Python's own then, and at the second time.
    """
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def handle(number, frame):
        if number == signal.SIGINT and (stop.idle or stop.is_set()):
            raise KeyboardInterrupt
        stop.set()

    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    before = {number: signal.signal(number, handle) for number in (signal.SIGTERM, signal.SIGINT)}
    wakeup = signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
    thread = threading.Thread(target=_end_when_idle, args=(ours, stop), name="ssl_jax-signals", daemon=True)
    thread.start()
    try:
        yield stop
    finally:
        signal.set_wakeup_fd(wakeup)
        for number, old in before.items():
            signal.signal(number, old)
        theirs.close()  # the thread reads the end
        thread.join()
        ours.close()


def _end_when_idle(ours: socket.socket, stop: Stop) -> None:
    """One byte a signal, its number."""
    while numbers := ours.recv(16):
        if signal.SIGTERM in numbers and stop.idle:
            text = "ssl-jax: stopped where nothing was left to save; the same command goes on\n"
            os.write(2, text.encode())
            os._exit(0)
