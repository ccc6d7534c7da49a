"""`ssl-jax transfer` from end to end: one small run, other datasets, those that are not there, another run beside."""

import contextlib
import io
import json
import shutil

import numpy as np
import pytest

from ssl_jax.cli import main
from ssl_jax.data import sources
from ssl_jax.run import multilabel, transfer
from tests.data import forms
from tests.run.test_evaluation import images
from tests.tfds_sets import TFDS, real

SMALL = ("--config=pca_fashion_mnist", "--config.batch=8", "--config.nets.encoder.out=8")
"""No step, so that nothing is compiled for it."""
SIZES = {"a": (0, 30), "b": (1, 12), "c": (2, 10)}
"""Of the run's own training set, which is unequal."""


def command(*arguments):
    """(exit code, what it printed, what it complained of)."""
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        code = main.main([*arguments])
    return code, out.getvalue(), err.getvalue()


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A folder with a run W, and datasets of the same classes and of others beside it."""
    place = tmp_path_factory.mktemp("transfer")
    images(place / "own", SIZES)
    for name, count in (("train", 12), ("test", 6)):
        images(place / "same" / name, {kind: (quarter, count) for kind, (quarter, _) in SIZES.items()})
    images(place / "other", {"x": (3, 15), "y": (0, 15)})
    flags = [f"--config.data.train=folder:{place}/own", "--config.data.test=", "--config.evaluation.final=none"]
    assert command("train", f"--workdir={place}/W", *SMALL, *flags)[0] == 0
    return place


@pytest.fixture(scope="module")
def measured(run):
    """(what was printed, transfer.json) of two datasets and a suite of which nothing is there."""
    pair = (f"--data=folder:{run}/same/train", f"--test=folder:{run}/same/test", f"--data=folder:{run}/other")
    flags = ("--suite=simclr12", f"--config.data.dir={run}/nothing")
    code, out, err = command("transfer", f"--workdir={run}/W", *pair, *flags)
    assert code == 0, err
    return out, json.loads((run / "W" / "transfer.json").read_text())


def test_each_dataset_has_its_own_sets_and_baselines(run, measured):
    rows = measured[1]["datasets"]
    same, other = rows[f"folder:{run}/same/train"], rows[f"folder:{run}/other"]
    assert same["data"]["test"]["source"] == f"folder:{run}/same/test" and same["metric"] == "top-1"
    assert same["scores"]["linear"]["raw_pixels"] == 1.0 and same["scores"]["linear"]["chance"] == pytest.approx(1 / 3)
    assert {"random_init", "pretrained"} < {*same["scores"]["linear"]}
    assert other["data"]["train"]["source"] == f"rest:0.2*folder:{run}/other" and other["data"]["test"]["examples"] == 6
    assert same["details"]["pretrained"]["n_train"] == 36 and other["details"]["pretrained"]["n_train"] == 24


def test_classes_by_how_many_images_the_run_had(run, measured):
    rows = measured[1]["datasets"]
    groups, details = rows[f"folder:{run}/same/train"]["groups"], rows[f"folder:{run}/same/train"]["details"]
    shares = details["pretrained"]["linear"]["per_class"]
    assert [groups[name]["pretrained"] for name in ("many", "medium", "few")] == shares
    assert "groups" not in rows[f"folder:{run}/other"]


def test_what_is_not_there_is_said_with_the_way_to_get_it(run, measured):
    out, rows = measured[0], measured[1]["datasets"]
    absent = {title: row["absent"] for title, row in rows.items() if "absent" in row}
    assert [*absent] == [entry.title for entry in transfer.SUITES["simclr12"]]
    assert "run `tfds build voc" in absent["VOC 2007"] and f"{run}/nothing" in absent["VOC 2007"]
    assert f"lay it out as {run}/nothing/birdsnap/train/CLASS/FILE" in absent["Birdsnap"].replace(
        "{dir}", f"{run}/nothing"
    )
    assert all(f"{title}: absent: " in out for title in absent) and "transfer.json" in out


def test_another_run_stands_beside_with_the_gap(run, measured, monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    shutil.copytree(run / "W", run / "V")
    found = json.loads((run / "V" / "transfer.json").read_text())
    title = f"folder:{run}/other"
    found["datasets"][title]["scores"]["linear"]["pretrained"] = 0.8
    (run / "V" / "transfer.json").write_text(json.dumps(found))
    code, out, err = command("transfer", f"--workdir={run}/W", f"--data={title}", f"--against={run}/V")
    mine = json.loads((run / "W" / "transfer.json").read_text())["datasets"][title]["scores"]["linear"]["pretrained"]
    assert code == 0 and "relative gap" in out and f"{100 * (0.8 - mine) / 0.8:.1f}" in out, err
    assert transfer.gap(0.6, 0.8) == pytest.approx(0.25) and transfer.gap(0.5, 0.0) is None


@pytest.fixture(scope="module")
def several(tmp_path_factory):
    """A table of images that have one to two of three classes."""
    place = tmp_path_factory.mktemp("several")
    forms.folder(place, {f"{k}.png": forms.png(k, channels=1, size=(28, 28)) for k in range(40)})
    names = np.random.default_rng(0).choice(["cat", "dog", "cat|dog", "dog|?owl", "owl"], 40)
    (place / "set.csv").write_text("\n".join(["path,objects", *(f"set/{k}.png,{n}" for k, n in enumerate(names))]))
    return f"csv:{place}/set.csv?labels=objects"


def test_images_of_several_classes_have_average_precision(run, several):
    code, _, err = command("transfer", f"--workdir={run}/W", f"--data={several}", "--test=0.4", "--protocol=linear,knn")
    assert code == 0, err
    row = json.loads((run / "W" / "transfer.json").read_text())["datasets"][several]
    assert row["metric"] == "11-point mAP" and [*row["scores"]] == ["one_vs_rest"]
    found, details = row["scores"]["one_vs_rest"], row["details"]["pretrained"]
    assert found["pretrained"] == details["one_vs_rest"]["map_11_point"]
    test = sources.open(f"held:0.4*{several}").multi_hot
    prior = [np.mean([value for value in column if value >= 0]) for column in test.T]
    assert found["chance"] == pytest.approx(np.mean(prior))
    nothing = sources.open(several)._replace(multi_hot=np.zeros((40, 3), np.int8))
    assert multilabel.chance(nothing, ("svm",)) == {"svm": None}


@pytest.mark.slow
def test_a_run_on_images_of_several_classes_ends_with_what_there_is_of_them(several, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    data = (f"--config.data.train=rest:0.4*{several}", f"--config.data.test=held:0.4*{several}")
    flags = ("train", f"--workdir={tmp_path}/V", *SMALL, *data, "--config.evaluation.final=svm_2,knn")
    probed = command(*flags, "--config.probe=True")
    assert probed[0] == 2 and "has no labels for the online probe" in probed[2]
    code, out, err = command(*flags)
    assert code == 0 and "SVM, 2 labels a class, mAP" in out, err
    assert "kNN is not measured: images have several classes each here" in out
    result = json.loads((tmp_path / "V" / "result.json").read_text())
    assert {*result["svm_2"]} == {"chance", "raw_pixels", "random_init", "pretrained"} and "knn" not in result
    assert result["details"]["pretrained"]["svm_2"]["std"] >= 0


@real
@pytest.mark.slow
def test_real_sets_of_other_images_are_decoded_and_resized_for_the_encoder(run):
    flags = (f"--config.data.dir={TFDS}", "--data=tfds:cifar10/train[:100]", "--test=tfds:cifar10/test[:50]")
    more = ("--data=tfds:fashion_mnist/train[:100]", "--test=tfds:fashion_mnist/test[:50]")
    code, out, err = command("transfer", f"--workdir={run}/W", *flags, *more)
    assert code == 0 and "cifar10" in out, err
    rows = json.loads((run / "W" / "transfer.json").read_text())["datasets"]
    assert [row["details"]["pretrained"]["n_test"] for row in rows.values()] == [50, 50]


@pytest.mark.parametrize(
    "flags, said",
    [
        ((), "name datasets to measure on by --data, or a suite by --suite: simclr12"),
        (("--suite=simclr",), "no 'simclr' in the suites; did you mean simclr12?"),
        (("--data=tfds:cifr10",), "did you mean cifar10"),
        (("--data=folder:/not/there",), "/not/there"),
        (("--data=folder:{run}/other", "--test=2"), "a share between 0 and 1"),
        (("--data=folder:{run}/other", "--test=folder:{run}/own"), "have no class in common"),
        (("--data=folder:{run}/other/x",), "have no labels to measure anything by"),
        (("--data=folder:{run}/other", "--protocol=linaer"), "did you mean linear"),
        (
            ("--data=folder:{run}/other", "--protocol=gamma"),
            "gamma: not of other datasets; `ssl-jax evaluate` measures",
        ),
        (
            ("--data=folder:{run}/other", "--against={run}"),
            "has no transfer.json to compare with: run `ssl-jax transfer",
        ),
        (("--data=folder:{run}/other", "--step=7"), "7"),
        (("--test=0.2",), "--test=0.2 says the test set of a dataset: write it behind its --data"),
    ],
)
def test_a_mistake_is_one_sentence(run, flags, said):
    with contextlib.redirect_stderr(io.StringIO()) as err:
        try:
            code = main.main(["transfer", f"--workdir={run}/W", *(flag.format(run=run) for flag in flags)])
        except SystemExit as end:
            code = end.code
    assert code == 2 and said in err.getvalue() and "Traceback" not in err.getvalue()


@pytest.mark.parametrize("name", ["linear", "fine_tune_100", "fine_tune_grid_9_2"])
def test_what_is_trained_has_the_metric_of_the_dataset(name):
    columns, details = {"pretrained": 0.6}, {"pretrained": {name: {"accuracy": 0.6, "mean_per_class": 0.4}}}
    assert transfer._by(transfer.PER_CLASS, name, columns, details) == {"pretrained": 0.4}
    assert transfer._by(transfer.TOP_1, name, columns, details) == columns
    assert transfer._by(transfer.PER_CLASS, "knn", columns, details) == columns
