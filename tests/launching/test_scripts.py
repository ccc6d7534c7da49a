"""The shell scripts of launch/, run by bash with stand-ins for what they call."""

import os
import pathlib
import signal
import subprocess
import time

import pytest

from ssl_jax.launching import scripts, slurm, tpu
from ssl_jax.launching.command import Run

RUN = Run("r50", "simclr_imagenet_r50", "gs://bucket/r50", {})
COUNT = 'n=$(cat "$HERE/n" 2>/dev/null || echo 0); echo $((n + 1)) >"$HERE/n"\n'
"""Counts the starts of a command; $n is how many there were before."""
SAVES = 'trap "echo saved; exit 0" TERM; touch "$HERE/up"; while :; do sleep 0.05; done\n'


class Machine:
    """A folder with programs that shadow the real ones."""

    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        for name, body in {
            "gcloud": 'echo "gcloud $*" >>"$HERE/calls"\nif [ "$2" = cp ]; then for last; do :; done\n'
            'case "$last" in gs://*) cp "$3" "$HERE/sent-${last##*/}" ;; esac; fi\n',
            "curl": 'case "$*" in *worker-number) echo 3 ;; *tpu-env) echo "MEGASCALE_SLICE_ID: \'1\'" ;; esac\n',
            "python3": 'echo "python3 $*" >>"$HERE/calls"\n',
            "tar": "exit 0\n",
            "scontrol": 'echo "scontrol $*" >>"$HERE/calls"\n',
            "srun": 'shift; exec "$@"\n',
        }.items():
            self.program(name, body)

    def program(self, name: str, body: str) -> None:
        path = self.folder / name
        path.write_text("#!/bin/bash\n" + body)
        path.chmod(0o755)

    def start(self, script: str) -> subprocess.Popen:
        file = self.folder / "script"
        file.write_text(script)
        own = {"PATH": f"{self.folder}:/usr/bin:/bin", "HERE": str(self.folder), "ROOT": str(self.folder / "root")}
        environment = {**os.environ, **own, "PAUSE": "0", "SLURM_JOB_ID": "77"}
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        return subprocess.Popen(["bash", str(file)], env=environment, **pipes)

    def read(self, name: str) -> str:
        path = self.folder / name
        return path.read_text() if path.exists() else ""

    def up(self) -> None:
        deadline = time.monotonic() + 60
        while not (self.folder / "up").exists():
            assert time.monotonic() < deadline, "the command was never started"
            time.sleep(0.02)


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def worker(machine, retries: int = 3) -> subprocess.Popen:
    return machine.start(tpu.startup(RUN, tpu.Tpu("v5litepod-16", "z", retries=retries)))


def batch(machine, retries: int = 3) -> subprocess.Popen:
    return machine.start(slurm.script(RUN, slurm.Nodes(retries=retries)))


def finished(process: subprocess.Popen) -> tuple[int, str]:
    out = process.communicate(timeout=120)[0]
    return process.returncode, out


def test_a_worker_installs_once_runs_and_reports(machine):
    machine.program("ssl-jax", COUNT + 'echo "ran $*"')
    assert finished(worker(machine))[0] == 0
    calls, log = machine.read("calls"), machine.read("root/run.log")
    assert "gcloud storage cp --recursive gs://bucket/r50/launch/files/*" in calls
    assert f"uv pip install -q --python {machine.folder}/root/venv/bin/python {machine.folder}/root/code[tpu]" in calls
    assert "ran train --config=simclr_imagenet_r50 --workdir=gs://bucket/r50" in log
    assert machine.read("sent-1-3") == "1-3 0\n", "slice 1, worker 3, code 0"
    assert finished(worker(machine))[0] == 0
    assert machine.read("n") == "1\n", "a worker that boots again after the end starts nothing"


def test_a_worker_starts_again_after_a_crash_without_installing_again(machine):
    machine.program("ssl-jax", COUNT + '[ "$n" -lt 2 ] && exit 134; exit 0')
    assert finished(worker(machine))[0] == 0
    assert machine.read("n") == "3\n" and machine.read("sent-1-3") == "1-3 0\n"
    assert machine.read("calls").count("uv pip install") == 1


def test_a_worker_does_not_repeat_bad_input_and_gives_up_after_its_retries(machine):
    machine.program("ssl-jax", COUNT + "exit 2")
    assert finished(worker(machine))[0] == 2
    assert machine.read("n") == "1\n" and machine.read("sent-1-3") == "1-3 2\n"


def test_a_worker_gives_up_after_its_retries(machine):
    machine.program("ssl-jax", COUNT + "exit 75")
    assert finished(worker(machine, retries=2))[0] == 75
    assert machine.read("n") == "3\n" and machine.read("sent-1-3") == "1-3 75\n"


def test_a_worker_whose_machine_goes_away_saves_and_goes_on_at_the_next_boot(machine):
    machine.program("ssl-jax", COUNT + '[ "$n" -ge 1 ] && exit 0\n' + SAVES)
    process = worker(machine)
    machine.up()
    process.send_signal(signal.SIGTERM)
    assert finished(process)[0] == 0
    assert "saved" in machine.read("root/run.log") and machine.read("sent-1-3") == ""
    assert finished(worker(machine))[0] == 0
    assert machine.read("n") == "2\n" and machine.read("sent-1-3") == "1-3 0\n"


def test_a_worker_that_cannot_have_the_code_reports_a_failure(machine):
    machine.program(
        "gcloud", 'echo "gcloud $*" >>"$HERE/calls"; [ "$3" = --recursive ] && exit 1; cp "$3" "$HERE/sent"'
    )
    assert finished(worker(machine))[0] == 1
    assert machine.read("calls").count("--recursive") == 5 and machine.read("sent") == "1-3 1\n"


def test_a_batch_job_ends_with_the_code_of_the_run(machine):
    machine.program("ssl-jax", COUNT + 'echo "ran $*"')
    code, out = finished(batch(machine))
    assert code == 0 and "ran train --config=simclr_imagenet_r50" in out and machine.read("calls") == ""
    machine.program("ssl-jax", "exit 2")
    assert finished(batch(machine))[0] == 2


def test_a_batch_job_tries_again_within_its_retries(machine):
    machine.program("ssl-jax", COUNT + "exit 134")
    assert finished(batch(machine, retries=1))[0] == 134
    assert machine.read("n") == "2\n"


def test_a_batch_job_whose_time_is_over_saves_and_goes_back_into_the_queue(machine):
    machine.program("ssl-jax", SAVES)
    process = batch(machine)
    machine.up()
    process.send_signal(signal.SIGTERM)
    code, out = finished(process)
    assert code == 0 and "saved" in out and machine.read("calls") == "scontrol requeue 77\n"


def test_values_reach_the_shell_as_they_are():
    odd = 'it\'s "$HOME" `x` \\ *'
    text = scripts.with_values("slurm.sh", {"A": odd, "B": (odd, "two words")})
    lines = "\n".join(line for line in text.splitlines() if line.startswith(("A=", "B=")))
    out = subprocess.run(["bash", "-c", lines + '\nprintf "%s|" "$A" "${B[@]}"'], capture_output=True, text=True).stdout
    assert out == f"{odd}|{odd}|two words|"
