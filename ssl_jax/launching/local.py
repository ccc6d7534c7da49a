"""Several processes of one run on this machine, watched together."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

from ssl_jax.launching import command
from ssl_jax.launching.command import Command, Run
from ssl_jax.process.exits import FINAL
from ssl_jax.process.machine import gpus
from ssl_jax.shard.cluster import share

GRACE = 60.0
"""Seconds between SIGTERM and SIGKILL for processes whose peer has ended: time to save."""


class Processes(NamedTuple):
    """count: how many; port: of process 0, 0 for a free one; retries: starts after the first, after a failure."""

    count: int
    port: int = 0
    retries: int = 0


def commands(run: Run, want: Processes, environment: Mapping[str, str], port: int) -> list[Command]:
    """One command a process. GPUs are shared in equal blocks; without GPUs each process has one device, the CPU.

    Raises ValueError for a number of processes that the GPUs cannot be shared by.
    """
    if want.count < 1:
        raise ValueError(f"--processes={want.count}: start at least one")
    seen, out = gpus(environment), []
    for i in range(want.count):
        flags = [f"--coordinator=127.0.0.1:{port}", f"--processes={want.count}", f"--process={i}"]
        mine = share(seen, want.count, i)
        flags += [f"--local-devices={','.join(map(str, mine))}"] if mine else []
        verb, *rest = command.train(run)[1:]
        out.append(Command(f"process {i}", (sys.executable, "-m", "ssl_jax", verb, *rest, *flags)))
    return out


def free_port() -> int:
    """A port of this machine that nobody listens to now."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def until_over(run: Run, want: Processes, say: Callable[[str], None] = print) -> int:
    """Starts the processes, and again after a failure that may pass; gives the exit code of the run.

    SIGTERM and SIGINT go to all processes, which save and end.
    """
    told: list[int] = []
    before = {n: signal.signal(n, lambda number, frame: told.append(number)) for n in (signal.SIGTERM, signal.SIGINT)}
    try:
        for attempt in range(want.retries + 1):
            code = _once(commands(run, want, os.environ, want.port or free_port()), told, say)
            if code in (0, *FINAL) or told:
                return code
            say(f"code {code}" + (f"; start {attempt + 2} of {want.retries + 1}" if attempt < want.retries else ""))
        return code
    finally:
        for number, old in before.items():
            signal.signal(number, old)


def _once(starts: list[Command], told: list[int], say: Callable[[str], None]) -> int:
    """One start of all processes; the code of the first that failed, 0 where none did."""
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "start_new_session": True}
    running = [subprocess.Popen(start.argv, **options) for start in starts]
    readers = [threading.Thread(target=_repeat, args=(i, p, say), daemon=True) for i, p in enumerate(running)]
    for reader in readers:
        reader.start()
    first, since = 0, None
    while None in [p.poll() for p in running]:  # a list, so that every one of them is asked
        first = first or next((p.returncode for p in running if p.returncode), 0)
        if since is None and (first or told):
            since = time.monotonic()
            _tell(running, signal.SIGTERM)
        if since is not None and time.monotonic() - since > GRACE:
            _tell(running, signal.SIGKILL)
        time.sleep(0.1)
    for reader in readers:
        reader.join()
    codes = [first, *(p.returncode for p in running)]
    bad = [code if code > 0 else 128 - code for code in codes if code]  # a signal's number as shells give it
    return next((code for code in (*FINAL, *bad) if code in bad), 0)


def _tell(running: list[subprocess.Popen], number: int) -> None:
    for process in running:
        if process.poll() is None:
            process.send_signal(number)


def _repeat(place: int, process: subprocess.Popen, say: Callable[[str], None]) -> None:
    for line in process.stdout:
        say(f"[{place}] {line.rstrip()}")
