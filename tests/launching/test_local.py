"""Processes on this machine, watched together; small programs stand for the run."""

import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from ssl_jax.launching import local
from ssl_jax.launching.command import Command, Run

RUN = Run("q", "quickstart", "runs/q", {})


@pytest.fixture
def launched(monkeypatch, tmp_path):
    """A function: shell texts, one a process -> (code, lines). $N counts the starts of all processes from 0."""
    starts = []

    def call(*texts: str, retries: int = 0) -> tuple[int, list[str]]:
        def commands(run, want, environment, port):
            starts.append(port)
            assert want.count == len(texts)
            head = f"N={len(starts) - 1}; cd {tmp_path}; "
            return [Command("", ("bash", "-c", head + text)) for text in texts]

        monkeypatch.setattr(local, "commands", commands)
        said = []
        return local.until_over(RUN, local.Processes(len(texts), retries=retries), said.append), said

    call.starts = starts
    return call


def test_all_ends_well(launched):
    code, said = launched("echo one", "echo two")
    assert code == 0 and sorted(said) == ["[0] one", "[1] two"]


def test_one_that_fails_ends_the_others_and_all_start_again(launched):
    waits = 'if [ $N = 0 ]; then trap "echo told; exit 0" TERM; while :; do sleep 0.05; done; fi'
    code, said = launched(waits, "sleep 0.5; [ $N = 1 ] || exit 134", retries=1)
    assert code == 0 and "[0] told" in said and "code 134; start 2 of 2" in said
    assert len(launched.starts) == 2


def test_bad_input_is_not_tried_again_and_failures_are_not_for_ever(launched):
    refuses = 'trap "exit 2" TERM; while :; do sleep 0.05; done'
    assert launched("sleep 0.5; exit 134", refuses, retries=5)[0] == 2 and len(launched.starts) == 1
    assert launched("exit 7", retries=2)[0] == 7 and len(launched.starts) == 4
    assert launched("kill -9 $$")[0] == 137


def test_a_signal_goes_to_all_and_nothing_starts_again(launched):
    waits = 'trap "echo told; exit 0" TERM; while :; do sleep 0.05; done'
    threading.Timer(0.7, os.kill, (os.getpid(), signal.SIGTERM)).start()
    code, said = launched(waits, waits, retries=3)
    assert code == 0 and sorted(said) == ["[0] told", "[1] told"] and len(launched.starts) == 1


def test_one_that_does_not_listen_is_killed(launched, monkeypatch):
    monkeypatch.setattr(local, "GRACE", 0.5)
    begun = time.monotonic()
    assert launched('trap "" TERM; while :; do sleep 0.05; done', "exit 3")[0] == 3
    assert time.monotonic() - begun < 30


@pytest.mark.slow
def test_two_real_processes_train(tmp_path):
    """A whole ResNet-18: smaller ones do not show collectives that come in another order in each process."""
    arguments = ["--config=quickstart", f"--workdir={tmp_path}/run", "--config.duration=3 steps", "--config.batch=32"]
    net = [f"--config.nets.encoder.{option}" for option in ("depth=18", "base=64", "stem=cifar")]
    command = [sys.executable, "-m", "ssl_jax", "launch", "local", "--processes=2", *arguments, *net]
    command += ["--config.data.test=", "--config.evaluation.every=never"]
    done = subprocess.run(command, env={**os.environ, "JAX_PLATFORMS": "cpu"}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads((tmp_path / "run/result.json").read_text())["step"] == 3
    assert "[0] " in done.stdout and "3/3" in done.stdout
