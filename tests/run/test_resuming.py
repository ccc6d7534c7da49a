"""A run that goes on: with data that were moved, other data, a damaged recipe, another length."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from ssl_jax.cli import main
from ssl_jax.run import resuming

SMALL = (
    "--config=quickstart",
    "--config.batch=8",
    "--config.data.test=",
    "--config.probe=False",
    "--config.log.every=1 step",
    "--config.checkpoint.every=1 step",
    "--config.lr.warmup=0 steps",
    "--config.nets.encoder.depth=(1,)",
    "--config.nets.encoder.base=8",
    "--config.nets.projector.widths=(8, 8)",
)


def train(tmp_path, *flags: str) -> int:
    """The command in a work directory W, with a network that compiles soon."""
    return main.main(["train", f"--workdir={tmp_path}/W", *SMALL, *flags])


@pytest.fixture
def begun(tmp_path, monkeypatch):
    """A run of two steps on a folder of images."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "first").mkdir()
    for i in range(16):
        pixels = np.random.default_rng(i).integers(0, 256, (28, 28), np.uint8)
        Image.fromarray(pixels).save(tmp_path / "first" / f"{i:02d}.png")
    assert train(tmp_path, "--config.data.train=folder:first", "--config.duration=2 steps") == 0
    return tmp_path


def test_a_run_that_goes_on(begun, capsys):
    workdir = begun / "W"
    assert resuming.steps(str(workdir)) == [1, 2]

    shutil.copytree(begun / "first", begun / "moved", copy_function=shutil.copyfile)  # with other times
    shutil.rmtree(begun / "first")
    assert train(begun, f"--config.data.train=folder:{begun}/moved", "--config.duration=4 steps") == 0
    said = capsys.readouterr().err
    assert "goes on after step 2 with 4 steps in all instead of 2, and what is scheduled" in said
    rows = [json.loads(line) for line in (workdir / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [1, 2, 3, 4]
    assert f"lr from {rows[1]['lr']:.3g} to {rows[2]['lr']:.3g}" in said, "the rates that the log shows"

    Image.fromarray(np.zeros((28, 28), np.uint8)).save(begun / "moved" / "03.png")
    assert train(begun, f"--config.data.train=folder:{begun}/moved", "--config.duration=5 steps") == 2
    assert "W holds a run on other data: data.train was folder:" in capsys.readouterr().err
    assert resuming.steps(str(workdir)) == [3, 4]

    (workdir / "config.json").write_text('{"seed"')
    assert train(begun, f"--config.data.train=folder:{begun}/moved") == 2
    assert "config.json is damaged" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "{", '{"seed": 1'])
def test_a_cut_recipe_without_checkpoints_is_none(tmp_path, text):
    (tmp_path / "config.json").write_text(text)
    assert resuming.recipe(str(tmp_path)) is None
