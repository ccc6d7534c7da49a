"""One run at a time in a work directory: a file that says who has it, with a beat that tells others that they live."""

import contextlib
import json
import os
import pathlib
import socket
import sys
import threading
import time
import uuid
from collections.abc import Iterator

from etils import epath

from ssl_jax.process import exits
from ssl_jax.storage import files

FILE = "lease.json"
BEAT = 10.0
"""Seconds between two beats."""
MISSED = 3
"""Beats that are missing before a holder on another machine is taken for dead; clocks are not compared."""
SETTLE = 0.3
"""Seconds after which a lease is read back: of two that write at the same time, the later has it."""


@contextlib.contextmanager
def held(workdir: str) -> Iterator[None]:
    """Holds the work directory, which is made if need be, within the block.

    Raises ValueError that names the holder where a run that lives has it. A holder whose process is gone is followed at
    once if it was on this machine, else after `MISSED` beats. Where another run has taken the directory nevertheless,
    as after a long sleep of this machine, this process ends at once, since both would write the same files.
    """
    path = epath.Path(workdir) / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    there = _read(path)
    if there and _alive(path, there):
        raise ValueError(_taken(workdir, there))
    own = {**_identity(), "token": uuid.uuid4().hex}
    _beat(path, own, 0)
    time.sleep(SETTLE)
    there = _read(path)
    if there.get("token") != own["token"]:
        raise ValueError(_taken(workdir, there))
    closed = threading.Event()
    thread = threading.Thread(target=_keep, args=(path, own, closed), name="ssl_jax-lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        closed.set()
        thread.join()
        if _read(path).get("token") == own["token"]:
            path.unlink(missing_ok=True)


def machine() -> str:
    """What two processes have alike if they see each other's numbers: host, boot and namespace of processes."""
    parts = [socket.gethostname()]
    with contextlib.suppress(OSError):  # there is no /proc but on Linux
        parts += [pathlib.Path("/proc/sys/kernel/random/boot_id").read_text().strip(), os.readlink("/proc/self/ns/pid")]
    return " ".join(parts)


def started(process: int) -> str | None:
    """When a process of this machine was started, in ticks since the boot; None where there is none.

    "" where the system does not tell. Numbers of processes are used again; with their start they are not.
    """
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        pass  # it is there, and another user's
    try:
        fields = pathlib.Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return None if fields[0] in "ZX" else fields[19]  # a zombie writes no more


def _identity() -> dict:
    process = os.getpid()
    return {"host": socket.gethostname(), "machine": machine(), "process": process, "started": started(process)}


def _read(path: epath.Path) -> dict:
    """The lease that is there; {} where there is none or it cannot be read as one."""
    try:
        found = json.loads(path.read_text())
        return found if isinstance(found, dict) and "token" in found else {}
    except Exception:  # besides OSError and ValueError, buckets have errors of their own
        return {}


def _beat(path: epath.Path, own: dict, number: int) -> None:
    files.write(path, json.dumps({**own, "beat": number, "time": time.strftime("%Y-%m-%d %H:%M:%S %z")}) + "\n")


def _alive(path: epath.Path, there: dict) -> bool:
    """Whether the holder lives: its process where that can be seen, else its beat."""
    if there.get("machine") == machine():
        return started(int(there["process"])) == there.get("started")
    print(
        f"ssl-jax: {path} is held by process {there.get('process')} on {there.get('host')}; watching for up to "
        f"{BEAT * MISSED:.0f} s whether it lives",
        file=sys.stderr,
        flush=True,
    )
    end = time.monotonic() + BEAT * MISSED
    while time.monotonic() < end:
        time.sleep(min(1.0, BEAT / 4))
        now = _read(path)
        if now != there:
            return bool(now)
    return False


def _keep(path: epath.Path, own: dict, closed: threading.Event) -> None:
    """Beats until `closed`; ends the process where another run has the lease."""
    number = 0
    while not closed.wait(BEAT):
        number += 1
        there = _read(path)
        if there and there["token"] != own["token"]:
            print(f"ssl-jax: {_taken(os.fspath(path.parent), there)}", file=sys.stderr, flush=True)
            os._exit(exits.BAD_INPUT)
        with contextlib.suppress(Exception):  # a bucket that is away for a while is no reason to end
            _beat(path, own, number)


def _taken(workdir: str, there: dict) -> str:
    who = f"process {there.get('process')} on {there.get('host')}, last seen {there.get('time')}"
    return (
        f"{workdir} is in use by another run ({who}): wait for it, end it, or name another --workdir; if it is surely "
        f"gone, remove {FILE} there"
    )
