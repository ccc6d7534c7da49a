"""`ssl-jax train --data=...`: real images to a trained network, and on with the same command."""

import json
import re
import shutil
import time

import numpy as np
import pytest
from PIL import Image

from ssl_jax.choosing import facts, measured
from ssl_jax.cli import main
from ssl_jax.config import recipes
from ssl_jax.evals import usable
from ssl_jax.process import machine
from ssl_jax.reporting import report
from ssl_jax.run import evaluation, label_free


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """48 images of 30 x 36 pixels, each of a color of its own with noise, one file that is none."""
    root, generator = tmp_path_factory.mktemp("photos"), np.random.default_rng(0)
    for k in range(48):
        noise = generator.integers(0, 60, (30, 36, 3))
        Image.fromarray((noise + generator.integers(0, 190, 3)).astype(np.uint8)).save(root / f"{k:02d}.jpg")
    (root / "broken.jpg").write_bytes(b"no image")
    return root


@pytest.fixture(scope="module")
def passes():
    """The sources that features were made of, in order."""
    return []


@pytest.fixture(scope="module")
def run(photos, tmp_path_factory, passes):
    """A run of three steps."""
    place = tmp_path_factory.mktemp("own") / "W"
    real = evaluation.embedded
    counted = lambda job, program, source, *more: passes.append(source.name) or real(job, program, source, *more)  # noqa: E731
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluation, "embedded", counted)
        patch.setenv("SSL_JAX_CACHE", str(place.parent / "cache"))
        assert main.main(command(photos, place, "--config.duration=3 steps", "--config.evaluation.every=never")) == 0
    return place


def test_features_are_computed_once_for_the_numbers_and_the_pictures(run, passes, photos):
    assert passes == [f"folder:{photos}"] * 2  # the random network's and the trained one's


def command(photos, place, *more):
    """With one layer in the place of a whole ResNet-18, which takes longer."""
    return ["train", f"--data=folder:{photos}", f"--workdir={place}", "--config.nets.encoder.depth=(1,)", *more]


def test_it_trains_and_says_what_there_is_without_labels(run):
    result = json.loads((run / "result.json").read_text())
    assert result["step"] == 3 and result["not_measured"] == {}
    assert list(result["label_free"]) == list(label_free.NAMES)
    for values in result["label_free"].values():
        assert set(values) == {"random_init", "pretrained"} and np.isfinite(list(values.values())).all()
    assert 0 <= result["label_free"]["view_consistency"]["pretrained"] <= 1
    for picture in ("views", "neighbors", "clusters", "curves"):
        assert Image.open(run / f"{picture}.png").size[0] > 300


def test_images_with_labels_have_a_table_and_its_baselines_are_measured_before(photos, tmp_path, monkeypatch, capsys):
    for k, path in enumerate(sorted(photos.glob("[0-9]*.jpg"))):
        (tmp_path / "photos" / "ab"[k % 2]).mkdir(parents=True, exist_ok=True)
        shutil.copy(path, tmp_path / "photos" / "ab"[k % 2])
    monkeypatch.setenv("SSL_JAX_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(machine, "age", lambda: 60.0)
    monkeypatch.setattr(measured, "seconds_a_step", lambda job, program: (10.0, 150.0))
    before = time.monotonic()
    assert main.main(command(tmp_path / "photos", tmp_path / "W", "--time=70m", "--config.evaluation.every=never")) == 0
    noted, found = (json.loads((tmp_path / "W" / f"{name}.json").read_text()) for name in ("choices", "result"))
    told = {choice["what"]: (choice["value"], choice["why"]) for choice in noted["choices"]}
    assert told["test set"][0] == "20 % held out" and "--test=none trains on all" in told["test set"][1]
    assert noted["config"]["data"]["train"] == f"rest:0.2*folder:{tmp_path}/photos"
    assert "20 % held out" in (tmp_path / "W" / "recipe.py").read_text()
    assert {role: found["data"][role]["examples"] for role in ("train", "test")} == {"train": 39, "test": 9}
    assert found["from_cache"] == ["raw_pixels", "random_init"]  # the run has measured neither again
    for name in ("knn", "linear"):
        assert all(0 <= found[name][column] <= 1 for column in ("raw_pixels", "random_init", "pretrained"))
    most = int((4200 - 60 - 10) * measured.SHARE / 150)
    assert most - (time.monotonic() - before) / 150 - 2 < found["step"] <= most
    assert "linear probe" in capsys.readouterr().out


def test_the_recipe_file_is_what_was_trained(run, photos):
    noted = json.loads((run / "choices.json").read_text())
    assert recipes.load(str(run / "recipe.py")) == recipes.tuples(noted["config"])
    told = {choice["what"]: choice["value"] for choice in noted["choices"]}
    assert told["views"] == "32 px" and told["batch"] == "16" and told["method"] == "simclr"
    trained = recipes.of_run(run)
    assert trained["duration"] == "3 steps" and trained["batch"] == 16 and trained["probe"] is False


def test_the_same_command_goes_on_without_looking_again(run, photos, monkeypatch, capsys):
    monkeypatch.setattr(facts, "of", None)
    assert main.main(command(photos, run, "--config.duration=4 steps", "--config.evaluation.every=never")) == 0
    assert json.loads((run / "result.json").read_text())["step"] == 4
    assert main.main(command(photos, run, "--method=byol")) == 2
    said = capsys.readouterr().err
    assert "holds what was chosen for another request (--method was '', is 'byol')" in said


@pytest.mark.parametrize(
    "flags, sentence",
    [
        (["--config=quickstart", "--net=resnet18"], "--net go with --data, and --config=quickstart is a recipe"),
        (["--data=folder:{photos}", "--time=soon"], "--time=soon is no span of time"),
        (["--data=folder:{photos}", "--method=simcrl"], "did you mean simclr"),
        (["--data=folder:{photos}/none"], "there is no such folder|none"),
        (["--data=embedded:solder_joints/train", "--net=vit_small_14"], "--net=vit_small_14 has patches"),
        (["--data=folder:{few}"], "has 3 examples; a recipe is made for 16 or more"),
        (["--data=folder:{broken}"], "none of the 20 images that were looked at can be read"),
        (
            ["--data=folder:{photos}", "--coordinator=x:1", "--processes=2", "--process=0"],
            "on one machine: run it there",
        ),
    ],
)
def test_a_mistake_is_one_sentence_and_leaves_nothing(flags, sentence, photos, tmp_path, capsys):
    places = {"photos": photos, "few": tmp_path / "few", "broken": tmp_path / "broken"}
    for name, count in (("few", 3), ("broken", 20)):
        places[name].mkdir()
        for k in range(count):
            (places[name] / f"{k}.png").write_bytes(b"no image")
    place = tmp_path / "W"
    assert main.main(["train", f"--workdir={place}", *(flag.format(**places) for flag in flags)]) == 2
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert re.search(sentence, said), said
    assert not place.exists()


def test_a_run_of_a_named_recipe_is_left_alone(photos, tmp_path, capsys):
    (tmp_path / "config.json").write_text("{}")
    assert main.main(command(photos, tmp_path)) == 2
    assert "holds a run of a recipe that was named: go on with --config=" in capsys.readouterr().err


def test_a_run_that_diverged_says_so_in_the_table():
    found = {name: {"random_init": 0.5, "pretrained": None} for name in label_free.NAMES}
    result = {
        "label_free": found,
        "not_measured": {"pretrained": f"the features of 3 of the 9 training examples {usable.DIVERGED}"},
    }
    table = report.label_free_table(result)
    assert list(table.columns[2].cells) == ["diverged"] * len(label_free.NAMES) == ["diverged"] * table.row_count
    assert "pre-trained is not measured: the features of 3 of the 9" in report.remarks(result)[0]
    unread = {**result, "not_measured": {"pretrained": "none of the 9 images can be read"}}
    assert set(report.label_free_table(unread).columns[2].cells) == {"-"}


def test_neighbors_and_clusters_of_features_that_are_known():
    """Three tight groups."""
    generator = np.random.default_rng(0)
    x = np.repeat(np.eye(3, 8), 20, 0) + 0.01 * generator.normal(size=(60, 8))
    features = label_free.Seen(None, x.astype(np.float32), np.arange(60) + 100)
    queries, nearest = label_free.neighborhoods(features, queries=6, nearest=5)
    assert nearest.shape == (6, 5) and ((queries[:, None] - 100) // 20 == (nearest - 100) // 20).all()
    assert not (queries[:, None] == nearest).any()
    rows = label_free.clusters(features, most=3, shown=9)
    assert len({tuple(set((row - 100) // 20)) for row in rows}) == len(rows) <= 3
