"""Real processes, real signals: whatever ends a run, the same command ends it as if nothing had been."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from ssl_jax.process import exits
from tests.faults import faults, files

ROOT = Path(__file__).parents[2]
PATIENCE = 600
"""Seconds after which a test gives up on a process."""
STEPS, INTERVAL = 30, 3
"""Of the run, and between two checkpoints."""
AHEAD = 4
"""Batches that are made before the first step: two are ready, one waits for its place, and the step has its own."""
TINY = (
    "batch=8",
    "log.every=1 step",
    f"checkpoint.every={INTERVAL} steps",
    "evaluation.every=4 steps",
    f"duration={STEPS} steps",
)


class Child:
    """The command line in a process of its own, with the tiny job and a fault in it."""

    def __init__(self, fault: str, workdir: Path, *changes: str):
        flags = "--xla_backend_optimization_level=1 --xla_force_host_platform_device_count=1"
        config = [f"--config.{change}" for change in (*TINY, *changes)]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.child", fault, "train", "--config=quickstart", f"--workdir={workdir}"]
            + config,
            env={**os.environ, "JAX_PLATFORMS": "cpu", "XLA_FLAGS": flags},
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stderr:
            self.lines.append(line)

    def until(self, condition) -> None:
        """Waits for a condition; fails where the process ends before it."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert self.process.poll() is None and time.monotonic() < deadline, "".join(self.lines)
            time.sleep(0.01)

    def marked(self, text: str) -> None:
        """Waits for a mark of the fault."""
        self.until(lambda: any(f"FAULT {text}" in line for line in self.lines))

    def end(self) -> tuple[int, str]:
        """The exit code and stderr."""
        code = self.process.wait(PATIENCE)
        self._reader.join(10)
        return code, "".join(self.lines)


def rows(workdir: Path) -> list[dict]:
    """metrics.jsonl without the wall clock."""
    lines = (workdir / "metrics.jsonl").read_text().splitlines()
    return [{k: v for k, v in json.loads(line).items() if not k.startswith("time/")} for line in lines]


def committed(workdir: Path) -> set[int]:
    return {int(p.name) for p in workdir.glob("checkpoints/*") if p.name.isdigit()}


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    """A run that nobody disturbed."""
    workdir = tmp_path_factory.mktemp("straight")
    code, said = Child("none", workdir).end()
    assert code == 0, said
    assert [row["step"] for row in rows(workdir)] == list(range(1, STEPS + 1))
    assert ["eval/effective_rank" in row for row in rows(workdir)] == [s % 4 == 0 for s in range(1, STEPS + 1)]
    return workdir


def assert_goes_on_as(workdir: Path, straight: Path) -> str:
    """The same command ends the run, with the metrics of the undisturbed one."""
    code, said = Child("none", workdir).end()
    assert code == 0, said
    assert rows(workdir) == rows(straight)
    return said


def test_the_result_says_where_the_time_went(straight):
    result = json.loads((straight / "result.json").read_text())
    assert sum(result["goodput"].values()) == pytest.approx(result["seconds"], abs=0.06)
    assert result["goodput"]["compile"] > 0 and result["goodput"]["evaluation"] > 0


def test_a_second_run_in_the_directory_writes_nothing(straight, tmp_path):
    first = Child("slow", tmp_path)
    first.until(lambda: committed(tmp_path))
    first.process.send_signal(signal.SIGSTOP)  # else it could be over before the second has started
    code, said = Child("none", tmp_path).end()
    assert code == exits.BAD_INPUT and f"in use by another run (process {first.process.pid} on" in said
    first.process.kill()
    first.end()
    assert (tmp_path / "lease.json").exists(), "killed, so that the lease was left"
    assert "watching" not in assert_goes_on_as(tmp_path, straight), "a dead process of this machine is followed at once"
    assert not (tmp_path / "lease.json").exists()


def kill(workdir: Path, seconds: float) -> tuple[int, bool]:
    """Starts a run and kills it so long after it has begun to take steps.

    Gives the steps that are lost, in the log and in no checkpoint, and whether one was being written.
    """
    child = Child("slow", workdir)
    child.until(lambda: sum("FAULT batch" in line for line in child.lines) > AHEAD or child.process.poll() == 0)
    time.sleep(seconds)
    child.process.send_signal(signal.SIGKILL)
    child.end()
    half = any("tmp" in path.name for path in (workdir / "checkpoints").glob("*"))
    lost = rows_now(workdir) - max(committed(workdir), default=0)
    assert lost <= INTERVAL * (1 + half), f"{lost} steps were lost"
    return lost, half


def killed_at_random(workdir: Path, straight: Path, times: int, seed: int) -> None:
    """Kills a run `times` times, each after a random time in which it works, and lets it end."""
    moment = random.Random(seed)
    for _ in range(times):
        kill(workdir, moment.uniform(0, 0.5))
    assert_goes_on_as(workdir, straight)


def rows_now(workdir: Path) -> int:
    """The step of the last whole row, while the file may be being written; 0 where there is none."""
    path = workdir / "metrics.jsonl"
    lines = path.read_text().splitlines(keepends=True) if path.exists() else []
    whole = [line for line in lines if line.endswith("\n")]
    return json.loads(whole[-1])["step"] if whole else 0


def test_killed_at_random_moments(straight, tmp_path):
    killed_at_random(tmp_path, straight, times=4, seed=0)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 6))
def test_killed_at_random_moments_often(seed, straight, tmp_path):
    killed_at_random(tmp_path, straight, times=6, seed=seed)


def test_killed_in_a_save_and_stopped_in_everything_and_damaged(straight, tmp_path):
    """One run that all of it happens to: what remains must be the undisturbed one."""
    code, _ = Child("die_in_a_save", tmp_path).end()
    assert code == -signal.SIGKILL and 3 in committed(tmp_path)

    child = Child("slow_evaluation", tmp_path)
    child.marked("evaluating")
    child.process.send_signal(signal.SIGTERM)
    code, said = child.end()
    assert code == 0, said
    assert said.count("FAULT evaluating") < 5, "the evaluation went on to its end"
    newest = max(committed(tmp_path))
    assert newest in (4, 8) and rows(tmp_path)[-1]["step"] == newest
    assert "eval/effective_rank" not in rows(tmp_path)[-1]

    child = Child("stop_in_a_save", tmp_path)
    child.marked("saving")
    child.process.send_signal(signal.SIGTERM)
    code, said = child.end()
    assert code == 0, said

    child, newest = Child("slow", tmp_path), max(committed(tmp_path))
    child.until(lambda: rows_now(tmp_path) > newest)
    child.process.send_signal(signal.SIGINT)
    code, said = child.end()
    assert code == 0, said
    newest = max(committed(tmp_path))
    assert newest == rows(tmp_path)[-1]["step"] < STEPS

    files.flip_a_bit(tmp_path / "checkpoints" / str(newest))
    said = assert_goes_on_as(tmp_path, straight)
    assert f"the checkpoint of step {newest} is damaged" in said
    assert (tmp_path / "checkpoints_damaged" / str(newest)).exists()


def test_stopped_in_the_first_compilation(tmp_path):
    child = Child("endless_compilation", tmp_path)
    child.marked("compiling")
    time.sleep(0.5)
    begin = time.monotonic()
    child.process.send_signal(signal.SIGTERM)
    code, said = child.end()
    assert code == 0 and "the same command goes on" in said and time.monotonic() - begin < 60
    assert committed(tmp_path) == set()


def test_a_hang_ends_with_stacks_and_a_code(tmp_path):
    code, said = Child("hang_in_the_data", tmp_path, "health.step_seconds=8").end()
    assert code == exits.HUNG
    assert "no step has ended for" in said and "data wait" in said
    assert "MainThread" in said or "Current thread" in said
    assert "in sleep" in said or "faults.py" in said
    assert max(committed(tmp_path)) == 3


def test_a_hang_before_the_first_step_has_its_own_limit(tmp_path):
    code, said = Child("hang_before_the_first_batch", tmp_path, "health.step_seconds=1", "health.other_seconds=8").end()
    assert code == exits.HUNG and "(last seen in: start-up)" in said
    assert float(said.split("no step has ended for ")[1].split(" s")[0]) >= 8


def test_a_hang_that_holds_the_lock_ends_with_stacks(tmp_path):
    code, said = Child("hang_with_the_lock", tmp_path, "health.step_seconds=8").end()
    assert code == 1 and "Timeout" in said and "faults.py" in said


def test_an_unhealthy_run_has_a_code_of_its_own(tmp_path):
    code, said = Child("nan_in_the_gradient", tmp_path, "health.skips=4").end()
    assert code == exits.UNHEALTHY == 3
    assert "ssl-jax: loss or gradient were not finite in 4 steps in a row, 6 to 9" in said and "Traceback" not in said
    assert "the last good checkpoint is that of step 3" in said
    assert faults.BAD_STEP == 5
