"""Foreground and background by single places: overlaps, masks out of alpha channels, the protocol from end to end."""

import json

import jax
import numpy as np
import pytest
from PIL import Image

from ssl_jax import loop
from ssl_jax.cli import main
from ssl_jax.config import build, recipes, schema
from ssl_jax.evals import dense
from ssl_jax.reporting import report
from ssl_jax.run import dense as run

TINY = {
    **{
        "batch": "8",
        "duration": "1 step",
        "evaluation.every": "never",
        "evaluation.final": "none",
        "method.patch": "8",
    },
    **{"nets.encoder.variant": "(16, 1, 2, 8)", "nets.decoder.patch": "8", "nets.decoder.width": "16"},
    **{"nets.decoder.heads": "2", "lr.warmup": "0 steps", "probe": "False"},
}


def test_overlaps_are_those_of_sets():
    said, truth = np.random.default_rng(0).random((2, 40)) < 0.4
    one, other = (set(np.flatnonzero(each)) for each in (said, truth))
    foreground, everything = len(one & other) / len(one | other), set(range(40))
    background = len(everything - one - other) / len(everything - (one & other))
    found = dense.overlaps(said, truth)
    assert found == pytest.approx({"foreground_iou": foreground, "miou": (foreground + background) / 2}, abs=1e-12)
    assert dense.overlaps(truth, truth) == {"foreground_iou": 1.0, "miou": 1.0}
    assert dense.overlaps(~truth, truth) == {"foreground_iou": 0.0, "miou": 0.0}


def test_what_a_place_says_is_found_and_noise_is_not():
    generator = np.random.default_rng(1)
    truth = generator.random((30, 16)) < 0.5
    noise = generator.normal(size=(30, 16, 4))
    clear = np.concatenate([noise, truth[..., None] + 0.1 * noise[..., :1]], -1).astype(np.float32)
    halves = lambda x: ((x[:20], truth[:20]), (x[20:], truth[20:]))  # noqa: E731
    assert dense.evaluate(jax.random.key(0), *halves(clear))["miou"] > 0.97
    assert dense.evaluate(jax.random.key(0), *halves(noise.astype(np.float32)))["miou"] < 0.6
    with pytest.raises(ValueError, match="not finite"):
        dense.evaluate(jax.random.key(0), *halves(clear * np.float32(np.nan)))


def cutouts(root, count, alpha=True):
    """Images of noise with an opaque square of 16 x 16 at a corner of 8 pixels' grid, light inside and dark outside."""
    root.mkdir(parents=True)
    for k in range(count):
        generator = np.random.default_rng(k)
        pixels = generator.integers(0, 60, (32, 32, 4), np.uint8)
        y, x = 8 * generator.integers(0, 3, 2)
        pixels[..., 3] = 0
        pixels[y : y + 16, x : x + 16, :3] += 150
        pixels[y : y + 16, x : x + 16, 3] = 255
        Image.fromarray(pixels if alpha else pixels[..., :3]).save(root / f"{k}.png")
    return f"folder:{root}"


@pytest.fixture
def data(tmp_path):
    return {f"data.{role}": cutouts(tmp_path / role, n) for role, n in (("train", 20), ("test", 9))}


def check(found):
    assert list(found) == ["chance", "patch_pixels", "random_init", "pretrained"]
    assert found["patch_pixels"] == {"foreground_iou": 1.0, "miou": 1.0}, "light inside, dark outside"
    assert found["chance"] == {"foreground_iou": 0.0, "miou": 0.375}, "12 of 16 patches are background"
    assert all(0.375 < found[name]["miou"] <= 1 for name in ("random_init", "pretrained"))


def test_masks_are_the_alpha_channel_of_the_files(data, tmp_path):
    job = build.job(schema.changed(recipes.load("mae_cifar10"), {**TINY, **data, "data.channels": "3"}))
    program = loop.compiled(job)
    state = loop.fresh(job, program)
    found = run.measured(job, program, {"random_init": lambda: state, "pretrained": lambda: state})["dense"]
    check(found)
    assert found["random_init"] == found["pretrained"]
    assert [column.header for column in report.dense_table(found).columns][1:3] == ["chance", "pixels of the patch"]
    bare = build.opened({**job.config["data"], "train": cutouts(tmp_path / "bare", 9, alpha=False), "test": ""})[0]
    with pytest.raises(ValueError, match="no image of training has a background: masks are the alpha channel"):
        run.measured(job._replace(train=bare), program, {})
    with pytest.raises(ValueError, match="it wants color images alone"):
        run.measured(job._replace(test=None), program, {})


@pytest.mark.slow
def test_the_command_has_a_table_of_it(data, tmp_path, capsys):
    flags = [f"--config.{key}={value}" for key, value in {**TINY, **data, "data.channels": "3"}.items()]
    assert main.main(["train", "--config=mae_cifar10", f"--workdir={tmp_path}/W", *flags]) == 0
    assert main.main(["evaluate", f"--workdir={tmp_path}/W", "--protocol=dense"]) == 0
    check(json.loads((tmp_path / "W" / "result.json").read_text())["dense"])
    printed = capsys.readouterr().out
    assert "foreground IoU" in printed and "pixels of the patch" in printed
