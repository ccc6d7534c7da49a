"""Two runs in one work directory: the second is told who has it, and follows when that one is dead."""

import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from ssl_jax.process import lease

HOLDER = """
import sys, time
from ssl_jax.process import lease
lease.BEAT = float(sys.argv[2])
with lease.held(sys.argv[1]):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    """A process that holds a work directory."""
    command = [sys.executable, "-c", HOLDER, str(tmp_path), "0.2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_lease_is_gone_after_the_run(tmp_path):
    for _ in range(2):
        with lease.held(str(tmp_path / "new" / "W")):
            there = json.loads((tmp_path / "new" / "W" / lease.FILE).read_text())
            assert there["process"] == os.getpid()
    assert list((tmp_path / "new" / "W").iterdir()) == []


def test_a_second_run_is_told_who_has_the_directory(tmp_path, holder):
    begun = time.monotonic()
    with pytest.raises(ValueError, match=f"in use by another run .process {holder.pid} on .*name another --workdir"):
        with lease.held(str(tmp_path)):
            pass
    assert time.monotonic() - begun < 5, "a process of this machine is seen at once"
    assert json.loads((tmp_path / lease.FILE).read_text())["process"] == holder.pid


def test_a_killed_run_is_followed_at_once(tmp_path, holder):
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    begun = time.monotonic()
    with lease.held(str(tmp_path)):
        assert json.loads((tmp_path / lease.FILE).read_text())["process"] == os.getpid()
    assert time.monotonic() - begun < 5


def test_a_number_used_again_is_another_process(tmp_path, holder):
    there = json.loads((tmp_path / lease.FILE).read_text())
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    # A process that lives, with the number of the one that held it, started at another time.
    (tmp_path / lease.FILE).write_text(json.dumps({**there, "process": os.getppid()}))
    with lease.held(str(tmp_path)):
        assert json.loads((tmp_path / lease.FILE).read_text())["process"] == os.getpid()


def test_a_run_on_another_machine_lives_by_its_beat(tmp_path, holder, monkeypatch, capsys):
    """The other machine is this one by another name, which is all that a lease knows of it."""
    monkeypatch.setattr(lease, "machine", lambda: "elsewhere")
    monkeypatch.setattr(lease, "BEAT", 1.0)
    with pytest.raises(ValueError, match="in use by another run"):
        with lease.held(str(tmp_path)):
            pass
    assert "watching for up to 3 s" in capsys.readouterr().err
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    begun = time.monotonic()
    with lease.held(str(tmp_path)):
        assert time.monotonic() - begun > 2.5, "three beats are waited for"


def test_of_two_at_the_same_time_one_has_it(tmp_path):
    inside, refused, gate = [], [], threading.Barrier(4)

    def one():
        gate.wait()
        try:
            with lease.held(str(tmp_path)):
                inside.append(1)
                time.sleep(1.5)
        except ValueError as error:
            refused.append(str(error))

    threads = [threading.Thread(target=one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(inside), len(refused)) == (1, 3)


def test_who_has_lost_the_lease_ends(tmp_path, holder):
    there = json.loads((tmp_path / lease.FILE).read_text())
    (tmp_path / lease.FILE).write_text(json.dumps({**there, "token": "another", "process": 1, "host": "thief"}))
    assert holder.wait(timeout=10) == 2
    assert "process 1 on thief" in holder.stderr.read()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"host": "a"}'])
def test_a_lease_that_is_none_is_no_hindrance(tmp_path, text):
    (tmp_path / lease.FILE).write_text(text)
    with lease.held(str(tmp_path)):
        assert json.loads((tmp_path / lease.FILE).read_text())["process"] == os.getpid()
