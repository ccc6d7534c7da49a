"""Fine-tuning as a protocol: the recipe of its runs, and what becomes of them."""

import json
from pathlib import Path

import pytest
from numpy.testing import assert_allclose

from ssl_jax.cli import main
from ssl_jax.config import build, recipes, schema
from ssl_jax.data import sources
from ssl_jax.process import exits
from ssl_jax.run import fine_tuning, grid, tuning
from tests.run.test_evaluation import images

TINY = {
    "batch": "8",
    "nets.encoder.depth": "(1,)",
    "nets.encoder.base": "8",
    "nets.projector.widths": "(8, 8)",
    "data.train": "held:0.03*embedded:fashion_mnist/train",
    "data.test": "held:0.04*embedded:fashion_mnist/test",
}
"""300 images to learn from and 200 to test on."""
COUNTS = dict(examples=10_000, classes=10, devices=1)


def derived(config, name, weights="", **counts):
    return fine_tuning.recipe(schema.resolve(config), name, "encoder", weights=weights, **{**COUNTS, **counts})


def test_the_recipe_of_a_resnet_is_simclrs():
    found = derived(recipes.load("simclr_cifar10"), "fine_tune_1", "W/encoder.npz")
    full = schema.resolve(found)
    assert full["data"]["train"] == "held:0.01*tfds:cifar10/train[:10000]" and full["duration"] == "60 epochs"
    assert full["lr"] == dict(kind="cosine", peak=0.05, per=256) and full["optimizer"]["nesterov"]
    assert full["optimizer"]["weight_decay"] == 0 and full["start"] == {"encoder": "W/encoder.npz"}
    assert full["nets"]["encoder"] == schema.resolve(recipes.load("simclr_cifar10"))["nets"]["encoder"]
    assert full["batch"] <= 100 and full["nets"]["classifier"]["out"] == 10
    assert derived(recipes.load("simclr_cifar10"), "fine_tune_10")["duration"] == "30 epochs"


def test_the_recipe_of_a_vision_transformer_is_maes():
    tuned, scratch = (derived(recipes.load("mae_imagenet_vitb16"), "fine_tune_100_5", w) for w in ("W.npz", ""))
    assert tuned["data"]["train"] == "tfds:imagenet2012/train" and tuned["duration"] == "5 epochs"
    assert tuned["optimizer"] == dict(name="adamw", weight_decay=0.05, layer_rate=0.65)
    assert tuned["lr"]["peak"] == 5e-4 and tuned["method"]["cutmix"] == 1.0
    rest = [{k: v for k, v in each.items() if k not in ("start", "optimizer")} for each in (tuned, scratch)]
    assert rest[0] == rest[1], "the same batches, views and steps"
    assert "layer_rate" not in scratch["optimizer"] and scratch["start"] == {}
    assert [op["name"] for op in tuned["views"][0]["ops"]][:2] == ["random_resized_crop", "flip"]
    schema.resolve(tuned)


def test_a_batch_is_no_larger_than_the_labels():
    config = recipes.load("simclr_cifar10")
    assert derived(config, "fine_tune_1", examples=4_000)["batch"] <= 40
    with pytest.raises(ValueError, match=r"1 % of 900 training examples are fewer than a batch of"):
        derived(config, "fine_tune_1", examples=900, devices=16)


def test_runs_that_are_over_are_not_repeated_and_a_stop_is_said(tmp_path, monkeypatch):
    whole, asked = build.job(schema.changed(recipes.load("quickstart"), TINY)), []
    monkeypatch.setattr(tuning, "_weights", lambda job, workdir, step: f"{workdir}/encoder.npz")

    def train(recipe, folder, conclude):
        asked.append((folder, recipe["start"]))
        if "scratch" not in folder and len(asked) < 3:
            return None
        found = {"accuracy": 0.25, "test": whole.test.digest}
        path = tmp_path / folder
        path.mkdir(parents=True)
        (path / tuning.RESULT).write_text(json.dumps(found))
        return found

    found = tuning.measured(whole, str(tmp_path), 7, ("fine_tune_10_1", "fine_tune_50_1"), train)
    assert found["fine_tune_10_1"] == {"random_init": 0.25, "pretrained": None}
    assert found["fine_tune_50_1"] == dict.fromkeys(("random_init", "pretrained"))
    assert set(found["not_measured"]) == {"fine_tune_10_1", "fine_tune_50_1"}
    assert all("stopped; the same command goes on" in reason for reason in found["not_measured"].values())
    assert [start for _, start in asked] == [{}, {"encoder": f"{tmp_path}/encoder.npz"}]
    found = tuning.measured(whole, str(tmp_path), 7, ("fine_tune_10_1",), train)
    assert found["fine_tune_10_1"] == {"random_init": 0.25, "pretrained": 0.25} and not found["not_measured"]
    last = tuning.measured(whole, str(tmp_path), 8, ("fine_tune_10_1",), lambda *arguments: None)
    assert last["fine_tune_10_1"]["pretrained"] is None and "stopped" in last["not_measured"]["fine_tune_10_1"]
    assert [folder.rsplit("/", 1)[1] for folder, _ in asked] == ["scratch", "step_7", "step_7"]
    other = whole._replace(test=whole.test._replace(digest="another"))
    assert tuning._known(f"{tmp_path}/fine_tune/fine_tune_10_1/scratch", other.test.digest) is None


def test_the_grid_is_simclrs():
    tuned, scratch = (grid.pairs("fine_tune_grid", trained) for trained in (True, False))
    assert len(tuned) == len(scratch) == 56 and grid.parted("fine_tune_grid") == (20_000, 7)
    for pairs, rates, decays in ((tuned, (1e-4, 1e-1), (1e-6, 1e-3)), (scratch, (1e-3, 1), (1e-5, 10**-1.5))):
        assert_allclose([pairs[0].rate, pairs[-1].rate], rates)
        shrunk = sorted({float(f"{p.rate * p.decay:.6g}") for p in pairs} - {0})  # what a step takes off the weights
        assert_allclose([shrunk[0], shrunk[-1]], decays, rtol=1e-5)
        assert len(shrunk) == (7 if pairs is tuned else 8)
        assert len({p.title for p in pairs}) == 56
    assert sum(pair.decay == 0 for pair in tuned) == 7
    unknown = ("fine_tune_grid_0", "fine_tune_grid_5_1", "fine_tune_grid_5_x", "fine_tune_grid_5_2_1")
    assert not any(map(fine_tuning.known, unknown)) and "500 steps" in fine_tuning.title("fine_tune_grid_500_2")


def test_the_recipe_of_a_pair():
    config = schema.resolve(recipes.load("simclr_cifar10"))
    (pair, options) = grid.Pair(0.01, 0.1), dict(classes=10, devices=1, weights="W.npz")
    made = {
        c: fine_tuning.of_pair(config, "fine_tune_grid_70", "encoder", pair, examples=50_000, choosing=c, **options)
        for c in (True, False)
    }
    for choosing, found in made.items():
        full = schema.resolve(found)
        assert full["batch"] == 256 and full["duration"] == "70 steps" and full["lr"]["peak"] == 0.01
        assert full["optimizer"]["weight_decay"] == 0.1 and full["optimizer"]["nesterov"]
        assert_allclose(full["nets"]["encoder"]["bn_momentum"], 1 - 10 * 256 / (40_000 if choosing else 50_000))
    assert made[True]["data"]["train"] == "rest:0.2*tfds:cifar10/train[:10000]"
    assert made[True]["data"]["test"] == "held:0.2*tfds:cifar10/train[:10000]"
    assert made[False]["data"] == config["data"]
    few = fine_tuning.of_pair(config, "fine_tune_grid", "encoder", pair, examples=1_000, choosing=False, **options)
    assert few["nets"]["encoder"]["bn_momentum"] is None, "an epoch of at most 100 steps keeps 0.9, as always"


def test_the_best_pair_is_chosen_and_trained_on_all(tmp_path, monkeypatch):
    whole, asked = build.job(schema.changed(recipes.load("quickstart"), TINY)), []
    monkeypatch.setattr(tuning, "_weights", lambda job, workdir, step: f"{workdir}/encoder.npz")
    held = sources.open("held:0.2*" + TINY["data.train"])

    def train(recipe, folder, conclude):
        asked.append(folder)
        (tmp_path / folder).mkdir(parents=True)
        rate, decay = recipe["lr"]["peak"], recipe["optimizer"]["weight_decay"]
        if rate > 0.05:
            raise exits.Unhealthy("10 updates in a row were not finite")
        choosing = recipe["data"]["test"].startswith("held:0.2*held:")
        found = {"accuracy": 0.5 + decay / 100 if choosing else 0.4, "test": (held if choosing else whole.test).digest}
        tuning._written(found, folder)
        return found

    measure = lambda: tuning.measured(whole, str(tmp_path), 7, ("fine_tune_grid_9_2",), train)  # noqa: E731
    found = measure()
    assert found["fine_tune_grid_9_2"] == {"random_init": 0.4, "pretrained": 0.4} and not found["not_measured"]
    details = found["details"]["pretrained"]["fine_tune_grid_9_2"]
    assert (details["rate"], details["n_held"]) == (1e-4, held.size) and len(details["searched"]) == 6
    assert_allclose(details["decay"], 10)  # 1e-3 / 1e-4
    assert [each["accuracy"] for each in details["searched"]][3:] == [None] * 3
    assert len(asked) == 14 and measure() == found and len(asked) == 14, "what is over is not trained again"


def test_a_loss_that_is_not_finite_is_the_reason(tmp_path):
    whole = build.job(schema.changed(recipes.load("quickstart"), TINY))

    def train(recipe, folder, conclude):
        (tmp_path / folder).mkdir(parents=True)
        raise exits.Unhealthy("10 updates in a row were not finite")

    def why(name):
        return tuning.measured(whole, str(tmp_path), 7, (name,), train)["not_measured"][name]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tuning, "_weights", lambda job, workdir, step: f"{workdir}/encoder.npz")
        assert "none of 6 pairs of rate and decay has a loss that stays finite" in why("fine_tune_grid_9_2")
        assert why("fine_tune_10_1") == "10 updates in a row were not finite"


def test_training_does_not_fine_tune(tmp_path, capsys):
    asked = ["train", "--config=quickstart", f"--workdir={tmp_path}/W", "--config.evaluation.final=knn,fine_tune_10"]
    assert main.main(asked) == 2
    assert "fine_tune_10 trains; `ssl-jax evaluate` does so once a run is over" in capsys.readouterr().err
    assert not (tmp_path / "W").exists()


@pytest.mark.slow
def test_fine_tuned_beside_from_scratch(tmp_path, capsys):
    changes = [f"--config.{name}={value}" for name, value in TINY.items()]
    more = ["--config.duration=2 steps", "--config.evaluation.every=never", "--config.evaluation.final=none"]
    more += ["--config.lr.warmup=0 steps"]
    run = f"--workdir={tmp_path}/W"
    assert main.main(["train", "--config=quickstart", run, *changes, *more]) == 0
    assert main.main(["evaluate", run, "--protocol=probe_simclr_2_48,fine_tune_50_2"]) == 0
    found = json.loads((tmp_path / "W" / "result.json").read_text())
    assert set(found["fine_tune_50_2"]) == {"random_init", "pretrained"} and not found["not_measured"]
    assert all(0 < value < 1 for value in found["fine_tune_50_2"].values())
    runs = {name: found["details"][name]["fine_tune_50_2"] for name in ("random_init", "pretrained")}
    assert {details["steps"] for details in runs.values()} == {38}, "2 epochs of 150 images in batches of 8"
    printed = capsys.readouterr().out
    assert "fine-tuned, 50 % of the labels" in printed and "SimCLR's probe, 2 epochs" in printed
    start = json.loads((tmp_path / "W" / "fine_tune" / "fine_tune_50_2" / "step_2" / "start.json").read_text())
    assert start["encoder"]["step"] == 2
    sets = [f"{kind}=folder:{tmp_path}/other/{kind[2:]}" for kind in ("--data", "--test")]
    for flag in sets:
        images(Path(flag.partition(":")[2]), {"a": (0, 16), "b": (3, 16)})
    assert main.main(["transfer", run, *sets, "--protocol=linear,fine_tune_100_2"]) == 0
    (row,) = json.loads((tmp_path / "W" / "transfer.json").read_text())["datasets"].values()
    assert set(row["scores"]["fine_tune_100_2"]) == {"random_init", "pretrained"} and not row["not_measured"]
    assert row["details"]["pretrained"]["fine_tune_100_2"]["n_train"] == 32
    assert main.main(["evaluate", run, "--protocol=fine_tune_grid_2_2"]) == 0
    searched = json.loads((tmp_path / "W" / "result.json").read_text())
    details = searched["details"]["pretrained"]["fine_tune_grid_2_2"]
    assert details["n_train"] == 300 and details["n_held"] == 60 and details["batch"] == 256
    best = max(each["accuracy"] for each in details["searched"])
    assert best in [e["accuracy"] for e in details["searched"] if e["rate"] == details["rate"]]
    folders = sorted((tmp_path / "W" / "fine_tune" / "fine_tune_grid_2_2" / "step_2").iterdir())
    assert [(folder / "checkpoints").exists() for folder in folders] == [True] + [False] * 6, "that of the best is left"
    assert main.main(["evaluate", run, "--protocol=fine_tune_50_2"]) == 0, "read, not trained again"
    assert json.loads((tmp_path / "W" / "result.json").read_text())["fine_tune_50_2"] == found["fine_tune_50_2"]
