"""Keeps a TPU and the run on it alive until the run ends: asks again after a preemption, gives up after k failures."""

import time
from collections.abc import Callable
from typing import NamedTuple

from ssl_jax.launching import command, tpu
from ssl_jax.launching.command import Run
from ssl_jax.launching.tpu import Tpu
from ssl_jax.process.exits import FINAL

READY = ("ACTIVE", "READY")
LOST = ("SUSPENDING", "SUSPENDED", "PREEMPTED", "TERMINATED", "STOPPING", "STOPPED")
"""A TPU that was taken away. Spot TPUs cannot be started again; they are deleted and asked for anew."""
NO_RETURN = ("FAILED", "DELETING")
ABSENT = ("NOT_FOUND", "was not found")


class Pace(NamedTuple):
    """poll: seconds between two looks; failures: how many in a row, of TPU, gcloud or run, are one too many."""

    poll: float = 30.0
    failures: int = 5


class Watch:
    """One run on one TPU after the other."""

    def __init__(self, run: Run, want: Tpu, script: str, pace: Pace, say: Callable[[str], None]):
        """script: a local file with the startup script."""
        self._run, self._want, self._script, self._pace, self._say = run, want, script, pace, say
        self._failures, self._state, self._read, self._asked = 0, "", 0, False

    def until_over(self) -> int:
        """Looks, and acts on what it sees, until the run is over; gives its exit code.

        The TPU is given back where the run has ended well or must be changed; and where there were too many failures.
        """
        while True:
            code = self._look()
            if code is not None:
                command.attempt(tpu.delete(self._run, self._want))
                self._say(self._last_word(code))
                return code
            time.sleep(self._pace.poll)

    def _look(self) -> int | None:
        state = self._described()
        if state != self._state and state:
            self._say(f"{self._run.name}: {state}")
        self._state = state or self._state
        if state == "ABSENT":
            if self._asked:
                return self._failed("the TPU has disappeared") or self._ask()
            return self._ask()
        self._asked = True
        if state in READY:
            self._show_log()
            return self._reported()
        if state in LOST:
            self._say("preempted; asking for another TPU, on which the run goes on from its newest checkpoint")
            return self._again()
        if state in NO_RETURN:
            return self._failed(f"the request is {state}") or self._again()
        return None  # it waits in the queue, or is being made

    def _described(self) -> str | None:
        """The state in one word; ABSENT where there is no such TPU, None where gcloud does not answer."""
        done = command.attempt(tpu.describe(self._run, self._want))
        if done.returncode == 0:
            return done.stdout.strip()
        if any(word in done.stderr for word in ABSENT):
            return "ABSENT"
        self._say(f"gcloud does not answer ({_last(done.stderr)}); asking again")
        return None

    def _ask(self) -> int | None:
        command.attempt(tpu.forget(self._run))
        done = command.attempt(tpu.create(self._run, self._want, self._script))
        self._read, self._asked = 0, done.returncode == 0
        return None if self._asked else self._failed(f"the request was refused: {_last(done.stderr)}")

    def _again(self) -> int | None:
        command.attempt(tpu.delete(self._run, self._want))
        return self._ask()

    def _reported(self) -> int | None:
        """What the workers say: 0 from worker 0 ends the run, a final code too; another is a failure."""
        lines = command.attempt(tpu.exits(self._run)).stdout.split("\n")
        codes = {who: int(code) for who, _, code in (line.partition(" ") for line in lines if line.strip())}
        for code in FINAL:
            if code in codes.values():
                return code
        if codes.get("0-0") == 0:
            return 0
        bad = {who: code for who, code in codes.items() if code}
        if not bad:
            return None
        who, code = sorted(bad.items())[0]
        return self._failed(f"worker {who} has ended with code {code}", code) or self._again()

    def _show_log(self) -> None:
        done = command.attempt(tpu.logs(self._run, self._want, self._read))
        if done.returncode == 0 and done.stdout:
            self._read += len(done.stdout.encode())
            self._failures = 0 if "step " in done.stdout else self._failures  # it trains: what failed before is past
            self._say(done.stdout.rstrip("\n"))

    def _failed(self, why: str, code: int = 1) -> int | None:
        """Counts a failure; its exit code where it was one too many."""
        self._failures += 1
        self._say(f"{why} (failure {self._failures} of {self._pace.failures})")
        return code if self._failures >= self._pace.failures else None

    def _last_word(self, code: int) -> str:
        if code == 0:
            return f"the run is over: {self._run.workdir}/result.json"
        if code in FINAL:
            return "the run has ended itself, as its log says why; to start it again unchanged is no use"
        return f"given up after {self._failures} failures in a row; the same command goes on from {self._run.workdir}"


def _last(text: str) -> str:
    return (text.strip().splitlines() or ["no message"])[-1]
