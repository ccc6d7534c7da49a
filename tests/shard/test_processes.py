"""Several real processes on this machine are one run."""

import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

import numpy as np
import PIL.Image
import pytest

from ssl_jax.launching.local import free_port

ROOT = pathlib.Path(__file__).parents[2]
STEPS = 4


def start(workdir, *arguments: str, devices: int = 1, changes: dict | None = None, env: dict | None = None):
    """A worker that runs by itself, with its output in WORKDIR.log."""
    flags = "--xla_backend_optimization_level=1"
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith(("SLURM_", "OMPI_"))},
        **{"JAX_PLATFORMS": "cpu", "JAX_NUM_CPU_DEVICES": str(devices), "XLA_FLAGS": flags},
        **(env or {}),
    }
    command = [sys.executable, "-m", "tests.shard.worker", str(workdir), json.dumps(changes or {}), *arguments]
    pipes = dict(stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return subprocess.Popen(command, cwd=ROOT, env=environment, **pipes)


def ended(*workers, code: int = 0) -> list[str]:
    """What they printed. Fails unless all end with `code`."""
    said = [worker.communicate(timeout=600)[0] for worker in workers]
    assert [worker.returncode for worker in workers] == [code] * len(workers), "\n".join(said)
    return said


def flags(count: int, address: str) -> list[list[str]]:
    return [[f"--coordinator={address}", f"--processes={count}", f"--process={i}"] for i in range(count)]


def losses(workdir) -> list[float]:
    return [json.loads(line)["loss"] for line in (workdir / "metrics.jsonl").read_text().splitlines()]


def left(workdir, process: int = 0):
    return np.load(f"{workdir}.{process}.npz")


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """One process with one device: what all others must equal."""
    workdir = tmp_path_factory.mktemp("alone") / "run"
    ended(start(workdir, "--features"))
    return workdir


def assert_same_run(workdir, alone, parts: int):
    ours, theirs = [left(workdir, i) for i in range(parts)], left(alone)
    np.testing.assert_array_equal(np.concatenate([part["seen"] for part in ours], 1), theirs["seen"])
    assert losses(workdir) == pytest.approx(losses(alone), rel=2e-4)
    for part in ours:  # every process has all features, in the order of the dataset
        np.testing.assert_array_equal(part["labels"], theirs["labels"])
        np.testing.assert_allclose(part["features"], theirs["features"], rtol=5e-3, atol=5e-4)


def test_two_processes_of_srun_are_one(alone, tmp_path):
    slurm = {
        **{"SLURM_JOB_ID": str(free_port() % 4096), "SLURM_STEP_NODELIST": "localhost", "SLURM_NTASKS": "2"},
        **{"SLURM_NODEID": "0", "SLURM_STEP_TASKS_PER_NODE": "2"},
    }
    own = [{"SLURM_PROCID": str(i), "SLURM_LOCALID": str(i)} for i in range(2)]
    ended(*(start(tmp_path / "run", "--features", devices=2, env={**slurm, **o}) for o in own))
    assert left(tmp_path / "run")["devices"] == 4
    assert_same_run(tmp_path / "run", alone, 2)


def test_four_devices_of_one_process_are_one(alone, tmp_path):
    ended(start(tmp_path / "run", "--features", devices=4))
    assert_same_run(tmp_path / "run", alone, 1)


def test_sigterm_to_one_saves_on_all_at_the_same_step_and_one_goes_on(alone, tmp_path):
    workdir, long = tmp_path / "run", {"duration": "40 steps", "lr": "0.01"}
    workers = [start(workdir, "--pause=0.2", *f, changes=long) for f in flags(2, f"127.0.0.1:{free_port()}")]
    deadline = time.monotonic() + 300
    while not (workdir / "metrics.jsonl").exists() or not losses(workdir):
        assert time.monotonic() < deadline and all(w.poll() is None for w in workers), ended(*workers)
        time.sleep(0.05)
    workers[1].send_signal(signal.SIGTERM)
    ended(*workers)
    steps = {int(left(workdir, i)["step"]) for i in range(2)}
    assert len(steps) == 1 and 1 <= steps.copy().pop() < 40, steps
    assert (workdir / "checkpoints" / str(*steps)).is_dir()
    before = losses(workdir)
    ended(start(workdir, changes={"duration": f"{max(steps) + 2} steps"}))
    assert losses(workdir)[: len(before)] == before
    assert losses(workdir)[:STEPS] == pytest.approx(losses(alone), rel=2e-4)
    assert len(losses(workdir)) == max(steps) + 2


CLUSTERED = {
    **{"method.queue": "64", "method.clusters": "(8, 12)", "method.negatives": "4", "method.warmup": "0"},
    **{"nets.encoder.base": "4", "nets.encoder.depth": "(1,)", "nets.encoder.groups": "1"},
    **{"nets.projector.hidden": "16", "nets.projector.out": "8", "batch": "16", "lr": "0.01"},
    **{"data.test": "", "probe": "False", "evaluation.batch": "16"},
    **{"log.every": "1 step", "evaluation.every": "never", "duration": "4 steps"},
}
"""PCL v2 with prototypes from the first step on, which a pass over the data finds."""


def test_a_pass_over_the_data_of_two_processes_is_that_of_one(tmp_path):
    (tmp_path / "images").mkdir()
    for k, pixels in enumerate(np.random.default_rng(0).integers(0, 256, (50, 4, 4, 3), np.uint8)):
        PIL.Image.fromarray(pixels).resize((32, 32)).save(tmp_path / "images" / f"{k}.png")
    changes = {**CLUSTERED, "data.train": f"folder:{tmp_path}/images"}
    one, two = (tmp_path / name for name in ("one", "two"))
    ended(start(one, "--config=pcl_v2_cifar10", changes=changes))
    where = flags(2, f"127.0.0.1:{free_port()}")
    ended(*(start(two, "--config=pcl_v2_cifar10", *f, devices=2, changes=changes) for f in where))
    labeled = [json.loads(line)["prototypes/labeled"] for line in (two / "metrics.jsonl").read_text().splitlines()]
    assert labeled == [1.0] * STEPS, "the pass has clustered all"
    assert losses(two) == pytest.approx(losses(one), rel=1e-3)


def test_a_checkpoint_that_one_process_cannot_read_is_set_aside_by_all(alone, tmp_path):
    """All processes share this machine's disk, so one of them is made to misread."""
    workdir, changes = tmp_path / "run", {"checkpoint.every": "2 steps", "processes.agree": "60.0"}
    ended(*(start(workdir, *f, changes=changes) for f in flags(2, f"127.0.0.1:{free_port()}")))
    longer = changes | {"duration": "5 steps"}
    pairs = zip(flags(2, f"127.0.0.1:{free_port()}"), ([], ["--misread=4"]), strict=True)
    said = ended(*(start(workdir, *f, *own, changes=longer) for f, own in pairs))
    sentence = "the checkpoint of step 4 is damaged (its state cannot be read by process 1): moved to "
    assert all(sentence in text and "step 2 is taken" in text for text in said)
    assert (workdir / "checkpoints_damaged" / "4").is_dir() and (workdir / "checkpoints" / "5").is_dir()
    assert losses(workdir)[:STEPS] == pytest.approx(losses(alone), rel=2e-4)
    assert len(losses(workdir)) == 5


def test_all_go_back_to_the_same_good_checkpoint(tmp_path):
    changes = {"health.collapse": "rollback", "checkpoint.every": "3 steps", "duration": "12 steps"}
    ended(start(tmp_path / "one", "--collapse", changes=changes))
    workdir, address = tmp_path / "two", f"127.0.0.1:{free_port()}"
    said, _ = ended(*(start(workdir, "--collapse", *f, changes=changes) for f in flags(2, address)))
    assert "step 8, as for 3 steps: all embeddings are the same" in said and "from the state of step 3" in said
    assert losses(workdir) == pytest.approx(losses(tmp_path / "one"), rel=2e-4)
    assert len(losses(workdir)) == 12


def test_a_missing_peer_is_one_sentence(tmp_path):
    patience = {"processes.start": "3.0"}
    (said,) = ended(start(tmp_path / "run", *flags(2, f"127.0.0.1:{free_port()}")[0], changes=patience), code=75)
    assert f"process 0 of 2 on {socket.gethostname()} waited 3 s" in said and "did not all come" in said
    assert "Traceback" not in said and "stack trace" not in said


def test_another_recipe_on_one_host_is_refused_by_all(tmp_path):
    changes = [{}, {"method.temperature": "0.3"}]
    pairs = zip(flags(2, f"127.0.0.1:{free_port()}"), changes, strict=True)
    said = ended(*(start(tmp_path / "run", *f, changes=c) for f, c in pairs), code=2)
    for text in said:
        sentence = (
            f"process 1 on {socket.gethostname()} differs from the others: config.method.temperature is 0.3 there"
        )
        assert sentence in text and "Traceback" not in text
    assert not (tmp_path / "run").exists()
