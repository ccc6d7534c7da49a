"""What a job is made of, beyond what the recipes' own tests say."""

import subprocess
import sys

import pytest
from PIL import Image

from ssl_jax.config import build, durations, recipes, schema


def logged(name: str, *, arg: str = "", total: int = 1000) -> dict:
    """The schedules in the log of a recipe, at the first step and the last."""
    config = schema.resolve(recipes.load(f"{name}:{arg}"))
    clock = durations.Clock(examples=1281167, batch=config["batch"], total=total)
    found = build.logged(config, clock)
    return {key: (float(schedule(0)), float(schedule(total))) for key, schedule in found.items()}


def test_every_schedule_of_a_recipe_is_in_the_log():
    values = logged("dino_imagenet_vits16", arg="300", total=600_000)
    assert values.pop("lr") == pytest.approx((0, 1e-6))
    assert values.pop("lr_peak") == pytest.approx((0.002, 0.002)), "5e-4 for 256 images is 0.002 for 1024"
    assert values.pop("schedule/ema_decay") == pytest.approx((0.996, 1))
    assert values.pop("schedule/teacher_temperature") == pytest.approx((0.04, 0.07))
    assert values.pop("schedule/weight_decay") == pytest.approx((0.04, 0.4))
    assert not values


def test_a_group_with_a_rate_of_its_own_is_in_the_log():
    values = logged("simsiam_imagenet_r50", total=250_000)
    assert values["schedule/groups.0/lr"] == pytest.approx((0.1, 0.1))
    assert values["lr"] == pytest.approx((0.1, 0), abs=1e-8)
    assert set(values) == {"lr", "lr_peak", "schedule/groups.0/lr"}


def test_building_starts_no_device():
    """What is made of a recipe comes before the choice of devices; in a process of its own, as pytest has devices."""
    program = """
from jax._src import xla_bridge
from ssl_jax.config import build, durations, recipes, schema
for name in ("dino_cifar10", "swav_cifar10", "mae_cifar10", "quickstart"):
    config = schema.resolve(recipes.load(name))
    clock = durations.run(config["duration"], examples=10000, batch=config["batch"])
    build.method_and_optimizer(config, clock, 10)
    build.logged(config, clock)
    assert not xla_bridge.backends_are_initialized(), name
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_channels_of_the_recipe_override_the_files(tmp_path):
    for k in range(4):
        Image.new("RGBA", (40, 40), (k, 2, 3, 4)).save(tmp_path / f"{k}.png")
    config = schema.resolve(recipes.load("quickstart:"))
    config = {
        **config,
        "probe": False,
        "batch": 4,
        "data": {**config["data"], "train": f"folder:{tmp_path}", "test": ""},
    }
    said = r"mean is of 1 channels and the images of .* have 4: write .*--config.views.0.*--config.data.channels=1"
    with pytest.raises(ValueError, match=said):
        build.job(config)
    job = build.job({**config, "data": {**config["data"], "channels": 1}})
    assert (job.train.image.channels, job.shapes["global"].shape[-1]) == (1, 1)
    with pytest.raises(ValueError, match="2 channels cannot be read, since no file has them; data.channels is 1, 3"):
        build.job({**config, "data": {**config["data"], "channels": 2}})
