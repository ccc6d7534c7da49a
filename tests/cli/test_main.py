"""The command line from end to end: real processes, real images, a real kill."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

TINY = (
    "--config.nets.encoder.base=4",
    "--config.nets.projector.widths=(16, 8)",
    "--config.batch=32",
    "--config.lr=0.01",
    "--config.data.train=embedded:fashion_mnist/test",
    "--config.log.every=1 step",
    "--config.evaluation.every=never",
    "--config.evaluation.examples=300",
)


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "ssl_jax", *arguments]


def environment(devices: int = 1) -> dict:
    flags = f"--xla_backend_optimization_level=1 --xla_force_host_platform_device_count={devices}"
    return {**os.environ, "JAX_PLATFORMS": "cpu", "XLA_FLAGS": flags}


def run(*arguments: str, devices: int = 1) -> subprocess.CompletedProcess:
    return subprocess.run(command(*arguments), capture_output=True, text=True, env=environment(devices))


def rows(workdir) -> list[dict]:
    """metrics.jsonl without the wall clock."""
    lines = (workdir / "metrics.jsonl").read_text().splitlines()
    return [{k: v for k, v in json.loads(line).items() if not k.startswith("time/")} for line in lines]


def train(workdir, steps: int, *more: str, **options) -> subprocess.CompletedProcess:
    duration = f"--config.duration={steps} steps"
    return run("train", "--config=quickstart", f"--workdir={workdir}", duration, *TINY, *more, **options)


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    """A run of eight steps that nobody disturbed."""
    workdir = tmp_path_factory.mktemp("straight")
    done = train(workdir, 8)
    assert done.returncode == 0, done.stderr
    return workdir, done


def test_a_run_leaves_what_it_promises(straight):
    workdir, done = straight
    for name in ("config.json", "metrics.jsonl", "result.json", "views.png", "curves.png", "projection.png"):
        assert (workdir / name).stat().st_size > 100, name
    result = json.loads((workdir / "result.json").read_text())
    for protocol in ("knn", "linear", "few_shot_10"):
        assert set(result[protocol]) == {"chance", "raw_pixels", "random_init", "pretrained"}
        assert all(0.1 <= value <= 1 for value in result[protocol].values())
    assert len(result["config_hash"]) == 12 and result["seconds"] > 0
    assert "raw pixels" in done.stdout and str(workdir) in done.stdout.replace("\n", "")
    assert [row["step"] for row in rows(workdir)] == list(range(1, 9))
    assert list((workdir / "tensorboard").iterdir())


def test_killed_and_started_again_ends_as_if_never_killed(straight, tmp_path):
    arguments = ["train", "--config=quickstart", f"--workdir={tmp_path}", "--config.duration=8 steps", *TINY]
    every = "--config.checkpoint.every=2 steps"
    process = subprocess.Popen(command(*arguments, every), env=environment(), stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 300
    while not list(tmp_path.glob("checkpoints/[0-9]*")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert list(tmp_path.glob("checkpoints/[0-9]*")), "no checkpoint appeared before the kill"
    assert not (tmp_path / "result.json").exists()
    again = run(*arguments, every)
    assert again.returncode == 0, again.stderr
    assert rows(tmp_path) == rows(straight[0])


def test_eight_devices_give_the_losses_of_one(straight, tmp_path):
    done = train(tmp_path, 3, devices=8)
    assert done.returncode == 0, done.stderr
    ours = [row["loss"] for row in rows(tmp_path)]
    assert ours == pytest.approx([row["loss"] for row in rows(straight[0])][:3], rel=1e-3)


def test_another_recipe_is_refused_and_a_longer_one_goes_on(straight):
    workdir, _ = straight
    before = (workdir / "metrics.jsonl").read_text()
    refused = train(workdir, 8, "--config.method.temperature=0.9")
    assert refused.returncode == 2 and "method.temperature was" in refused.stderr
    assert (workdir / "metrics.jsonl").read_text() == before
    longer = train(workdir, 10)
    assert longer.returncode == 0, longer.stderr
    assert (workdir / "metrics.jsonl").read_text().startswith(before)
    assert rows(workdir)[-1]["step"] == 10


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (("trian",), "no 'trian' in ssl-jax's verbs; did you mean train or transfer?"),
        (("train", "--config=nothing_like_it", "--workdir=W"), "no 'nothing_like_it' in the recipes"),
        (("train", "--config=quickstart", "--workdir=W", "--config.batch=33", "--config.mesh.data=3"), "devices"),
        (("train", "--config=quickstart", "--workdir=W", "--config.data.train=folder:/not/there"), "/not/there"),
        (("train", "--config=quickstart", "--workdir=W", "--config.views.0.size=0"), "size 0"),
        (("evaluate", "--workdir=/not/there"), "/not/there is not the work directory of a run"),
        (("data", "check", "tfds"), "a dataset is named by"),
    ],
)
def test_a_mistake_is_one_sentence_and_code_2(arguments, sentence, tmp_path):
    done = subprocess.run(command(*arguments), capture_output=True, text=True, env=environment(), cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert sentence in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "W").exists(), "a run that cannot be must leave nothing behind"
