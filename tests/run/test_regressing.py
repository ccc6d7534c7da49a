"""A regression as a run does it: targets are learned from, probed, told of in words where they are not there."""

import json
import shutil
from types import SimpleNamespace

import jax
import numpy as np
import pytest

import ssl_jax
from ssl_jax import planning
from ssl_jax.cli import main
from ssl_jax.config import recipes, schema
from ssl_jax.data import series, sources
from ssl_jax.run import evaluation, regressing
from ssl_jax.run.evaluation import Rows
from tests.recordings import beating, written

SMALL = (
    "--config.batch=16",
    "--config.log.every=1 step",
    "--config.evaluation.every=50 %",
    "--config.nets.encoder.depth=(1,)",
    "--config.nets.encoder.base=4",
)
OPTIONS = "rate=25&window=8&stride=2&target=heart_rate"


@pytest.fixture(scope="module")
def heart(tmp_path_factory):
    """Nine minutes of hearts that beat at other rates, and a piece in which nothing can be told."""
    folder = tmp_path_factory.mktemp("heart")
    pieces = [beating(50 + 7 * (k * 5 % 11), seconds=30, rate=25, seed=k) for k in range(17)]
    pieces.append(np.random.default_rng(0).normal(500, 50, (750, 1)).astype(np.float32))
    written(folder / "a.csv", np.concatenate(pieces))
    return folder


def flags(heart, place, recipe, *more):
    data = [f"--config.data.{role}=series:{heart}?{OPTIONS}&split={role}" for role in ("train", "test")]
    views = ["--config.views.0.size=180", "--config.clean.0.size=180"]
    return ["train", f"--config={recipe}", f"--workdir={place}", *data, *views, *SMALL, *more]


@pytest.fixture(scope="module")
def run(heart, tmp_path_factory):
    place = tmp_path_factory.mktemp("run") / "W"
    assert main.main(flags(heart, place, "rank_n_contrast_heart", "--config.duration=40 steps")) == 0
    return place


def result(place):
    return json.loads((place / "result.json").read_text())


def test_a_run_learns_the_order_of_targets(run):
    """Better than the network that it began as, than readings and than the mean, whose R² is near 0."""
    found = result(run)
    columns = {"training_mean", "raw_series", "spectra", "random_init", "pretrained"}
    assert {name: set(found[name]) for name in regressing.NAMES} == dict.fromkeys(regressing.NAMES, columns)
    assert "knn" not in found and found["not_measured"] == {}
    assert abs(found["r2"]["training_mean"]) < 0.2 and found["spearman"]["training_mean"] == 0
    assert found["r2"]["pretrained"] > max(0.5, found["r2"]["random_init"], found["r2"]["raw_series"])
    assert found["mae"]["pretrained"] < found["mae"]["random_init"] < found["mae"]["training_mean"]
    assert found["left_out"]["train"]["without_target"] > 0
    logged = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert any("eval/r2" in row for row in logged)


def test_evaluating_again_finds_the_same_and_the_baselines_kept(run, capsys):
    before = result(run)
    assert main.main(["evaluate", f"--workdir={run}", "--protocol=all"]) == 0
    again, printed = result(run), capsys.readouterr().out
    assert again["from_cache"] == ["raw_series", "spectra", "random_init"]
    for name in regressing.NAMES:
        assert again[name] == pytest.approx(before[name], rel=1e-5)
    assert "MAE" in printed and "R²" in printed and "without a target" in printed


def test_a_test_set_without_targets_is_a_sentence(run, heart, capsys):
    other = f"--config.data.test=series:{heart}?rate=25&window=8&split=test"
    assert main.main(["evaluate", f"--workdir={run}", other]) == 0
    out = capsys.readouterr().out
    assert "No accuracies: they want a test set (config.data.test), and labels, captions or targets" in out
    assert "mae" not in result(run)
    assert main.main(["evaluate", f"--workdir={run}"]) == 0


def test_stopped_and_gone_on_is_never_stopped(heart, tmp_path):
    """SimCLR's own method, on series; the laws have the others, and the stream its targets."""
    lengths = ["--config.duration=4 steps", "--config.checkpoint.every=2 steps", "--config.evaluation.final=none"]
    command = flags(heart, tmp_path / "W", "simclr_heart", *lengths)

    def losses():
        rows = [json.loads(line) for line in (tmp_path / "W" / "metrics.jsonl").read_text().splitlines()]
        return {row["step"]: row["loss"] for row in rows if "loss" in row}

    assert main.main(command) == 0
    whole = losses()
    assert len(whole) == 4 and np.isfinite(list(whole.values())).all()
    shutil.rmtree(tmp_path / "W" / "checkpoints" / "4")
    assert main.main(command) == 0
    assert losses() == whole


def test_embed_takes_series(run, heart, tmp_path, capsys):
    encoder = ssl_jax.load(str(run))
    x = beating(80, seconds=9, rate=25)
    found = encoder.embed([x, x[:200]])["pool"]
    assert found.shape[0] == 2 and np.isfinite(found).all()
    np.testing.assert_allclose(encoder.embed(np.stack([x]))["pool"], found[:1], rtol=1e-4, atol=1e-5)
    out = tmp_path / "features.npz"
    assert main.main(["embed", f"--workdir={run}", f"--data=series:{heart}?rate=25&window=8", f"--out={out}"]) == 0
    capsys.readouterr()
    rows = np.load(out)
    assert rows["features"].shape == (len(rows["path"]), found.shape[1]) and rows["valid"].all()
    for wrong, said in (
        (x, "is no batch of series"),
        ([x[:, [0, 0]]], "the encoder takes 1 sensors"),
        ([], "there are no series"),
        (["a"], "is no batch of series of numbers"),
        ([x[:20]], "the series has 20 readings"),
        ([x * 0], "the series is constant"),
    ):
        with pytest.raises(ValueError, match=said) as caught:
            encoder.embed(wrong)
        assert "\n" not in str(caught.value)
    with pytest.raises(ValueError, match="has no series; an example of it has image"):
        encoder.stream(sources.open("embedded:fashion_mnist/test"), batch=8)


def test_exports_are_refused_in_one_sentence(run, tmp_path, capsys):
    code = main.main(["export", f"--workdir={run}", "--to=npz", f"--out={tmp_path}/e.npz"])
    err = capsys.readouterr().err
    assert code == 2 and "the encoder takes series, and only encoders of images are exported so far" in err


@pytest.mark.parametrize("name", ["rank_n_contrast_heart", "rank_n_contrast_agedb_r18"])
def test_plans_know_that_there_is_a_target(name):
    config = schema.resolve({**recipes.load(name), "batch": 8, "chunks": 1})
    made = planning.program_of(config, (100, 0, 3 if "agedb" in name else 1), jax.devices()[:1])
    assert "target" in made.batch


def test_mistakes_are_one_sentence(heart, tmp_path, capsys):
    for more, said in (
        (
            [f"--config.data.train=series:{heart}?rate=25&window=8"],
            "reads numbers to be predicted, and the data has none",
        ),
        (["--config.views.0.size=300"], "a window has 300"),
        (["--config.data.test=embedded:fashion_mnist/test"], "has image, and one of series:"),
        (["--config.probe=True"], "has no labels for the online probe"),
        (["--config.method.temperature=0"], "temperature is 0"),
    ):
        code = main.main([*flags(heart, tmp_path / "M", "rank_n_contrast_heart", "--config.duration=2 steps"), *more])
        err = capsys.readouterr().err
        assert code == 2 and said in err, err
        assert not (tmp_path / "M").exists()


def job(train, test, final="all"):
    asked = {"examples": 1000, "final": final}
    return SimpleNamespace(
        train=train, test=test, seed=0, evaluation=asked, clean=SimpleNamespace(inputs={"series": "clean"})
    )


def toy(n, seed, targets=True, labels=False):
    g = np.random.default_rng(seed)
    x = [g.normal(size=(8, 2)).astype(np.float32) for _ in range(n)]
    y = np.array([a[:4].sum() - a[4:].sum() for a in x])[:, None] if targets else None
    return series.arrays(
        x, np.arange(n) % 2 if labels else None, y, name=f"toy{seed}", classes=("a", "b") if labels else ()
    )


def flat(source):
    x = np.stack([source.read(k)[0].numpy().ravel() for k in range(source.size)])
    return Rows(x, source.labels, np.ones(len(x), bool))


def test_readings_tell_a_linear_target_and_rows_without_one_take_no_part():
    train, test = toy(60, 0), toy(30, 1)
    train.targets[5], test.targets[3] = np.nan, np.nan
    rows = flat(train)._replace(valid=np.arange(60) != 9)
    rows.x[9] = np.nan
    found, levels = evaluation.regressed(job(train, test), train, rows, flat(test))
    assert found.accuracies["r2"] > 0.999 and abs(levels["r2"]) < 0.2 and found.reasons == {}
    assert found.left_out == {"train": {"unreadable": 1, "without_target": 1}, "test": {"without_target": 1}}


def test_labels_and_targets_are_both_measured(monkeypatch):
    train, test = (toy(60, seed, labels=True) for seed in (0, 1))
    one = job(train, test)
    assert set(evaluation.protocols(one)) == {"knn", "linear", "few_shot_10", *regressing.NAMES}
    monkeypatch.setattr(evaluation, "unlearned", lambda job, program, source, name: flat(source))
    monkeypatch.setattr(evaluation, "embedded", lambda job, program, source, state: flat(source))
    found = evaluation.final(one, None, state=True, random=lambda: False)
    assert found["r2"]["pretrained"] > 0.99 and found["knn"]["training_mean"] is None
    assert set(found["knn"]) == {"chance", "training_mean", "raw_series", "spectra", "random_init", "pretrained"}
    json.dumps(found, allow_nan=False)


def test_what_will_not_be_measured_is_said_before():
    few, same, test = toy(5, 0), toy(60, 1), toy(30, 2)
    same.targets[:] = 1.0
    assert evaluation.foreseen(job(few, test)) == [
        "regression will not be measured: it wants 20 training examples with a target, and there are 5"
    ]
    assert "the training targets are all alike" in evaluation.foreseen(job(same, test))[0]
    assert evaluation.foreseen(job(toy(60, 3), test)) == []
    assert not evaluation.possible(job(toy(60, 3), toy(9, 4, targets=False)))
    assert evaluation.protocols(job(toy(60, 3), test, final="none")) == ()
