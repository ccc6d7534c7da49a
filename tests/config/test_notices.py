"""What a recipe says that is hardly meant: a sentence before the run, and none for the recipes that are there."""

import shutil

import numpy as np
import pytest
from PIL import Image

from ssl_jax.config import build, durations, notices, recipes, schema
from tests import sizes


def said(name: str, changes: dict, *, examples: int = 10000) -> tuple[str, ...]:
    config = schema.changed(recipes.load(name), changes)
    clock = durations.run(config["duration"], examples=examples, batch=config["batch"])
    method, _ = build.method_and_optimizer(config, clock, 10)
    return notices.of(config, clock, method)


@pytest.mark.parametrize("name", recipes.names())
def test_the_recipes_as_they_are_say_nothing(name):
    assert said(name, {}, examples=sizes.of(recipes.load(name))[0]) == ()


@pytest.mark.parametrize(
    "changes",
    [
        {"checkpoint.best": "max eval/knn", "evaluation.validation": "held:0.1*embedded:fashion_mnist/train"},
        {"checkpoint.best": "max eval/effective_rank"},
        {"checkpoint.best": "min loss"},
    ],
)
def test_a_checkpoint_that_is_not_chosen_by_the_test_set_is_no_matter(changes):
    assert said("quickstart", changes) == ()


STILL = "({'name': 'resize_exact'}, {'name': 'normalize', 'args': {'mean': (0.5,), 'std': (0.5,)}})"


@pytest.mark.parametrize(
    "name, changes, sentence",
    [
        ("quickstart", {"duration": "50 steps"}, "config.lr.warmup is '1 epoch', 79 steps, and the run has 50 steps"),
        (
            "quickstart",
            {"lr": "{'kind': 'cosine', 'peak': 1.0, 'warmup': 1.5}"},
            "config.lr.warmup is 1.5, 1500 steps, and the run has 1000 steps",
        ),
        ("quickstart", {"checkpoint.best": "max eval/knn"}, "chooses a checkpoint by eval/knn on the test set"),
        ("quickstart", {"lr": "0"}, "config.lr is 0 all the time"),
        ("vae_fashion_mnist", {"method.likelihood": "bernoulli"}, "config.views.0 are normalized and not in 0..1"),
        ("quickstart", {"lr.peak": "0"}, "config.lr is 0 all the time"),
        ("quickstart", {"evaluation.every": "5000 steps"}, "config.evaluation.every is '5000 steps'"),
        (
            "quickstart",
            {"checkpoint.every": "50 epochs"},
            "config.checkpoint.every is '50 epochs', 3907 steps",
        ),
        ("quickstart", {"batch": "20000", "lr.warmup": "0 steps"}, "batch has examples more than once"),
        ("quickstart", {"views.0.ops": STILL}, "no operation of group 'global' is random: its 2 views are all alike"),
        ("dino_cifar10", {"duration": "70 steps"}, "groups.0.freeze is '1 epoch' and the run has 70 steps"),
        (
            "dino_imagenet_vits16:300",
            {"duration": "20 epochs"},
            "teacher_temperature.over is '30 epochs', ",
        ),
        ("dino_cifar10", {"method.ema_decay": "1"}, "config.method.ema_decay is 1 all the time"),
        ("moco_v2_cifar10", {"method.queue": "12800"}, "the dataset 10000 examples: it holds examples more than once"),
        ("moco_v2_cifar10", {"duration": "20 steps"}, "queue has 4096 rows and the run writes 2560: it is never full"),
        (
            "swav_cifar10",
            {"method.queue": "128", "method.queue_start": "100000"},
            "config.method.queue_start is 100000 and the run has",
        ),
        (
            "deepcluster_v2_cifar10",
            {"duration": "1 epoch"},
            "ends before pass 1 of deepcluster_v2 over the data is",
        ),
    ],
)
def test_what_is_hardly_meant_is_said(name, changes, sentence):
    found = said(name, changes)
    assert any(sentence in each for each in found), found
    assert not any("\n" in each for each in found)


def of_data(train: str, test: str) -> list[str]:
    """The notices of the quickstart's job on these sets."""
    changes = {"data.train": train, "data.test": test, "batch": "8", "duration": "4 steps", "lr.warmup": "0 steps"}
    changes |= {"evaluation.every": "never", "checkpoint.every": "never"}
    return list(build.job(schema.changed(recipes.load("quickstart"), changes)).notices)


def test_a_test_set_that_is_the_training_set_is_said(tmp_path):
    """Also a copy under another name: contents tell, and one image that differs is another set."""
    for name in "ab":
        (tmp_path / "train" / name).mkdir(parents=True)
        for k in range(4):
            pixels = np.random.default_rng(ord(name) + k).integers(0, 255, (28, 28), np.uint8)
            Image.fromarray(pixels).save(tmp_path / "train" / name / f"{k}.png")
    sets = {name: shutil.copytree(tmp_path / "train", tmp_path / name) for name in ("copy", "other")}
    Image.fromarray(255 - pixels).save(sets["other"] / "b" / "3.png")
    folder = f"folder:{tmp_path}/"
    said = "data.test is the same data as data.train ({}): scores say what is memorized, not what is learned"
    for test in ("train", "copy"):
        assert of_data(f"{folder}train", f"{folder}{test}") == [said.format(f"{folder}train")]
    assert of_data(f"{folder}train", f"{folder}other") == [] and of_data(f"{folder}train", "") == []
    embedded = "embedded:fashion_mnist/test"
    assert of_data(embedded, embedded) == [said.format(embedded)]
    assert of_data("embedded:fashion_mnist/train", embedded) == []
