"""Protocols inside training: their numbers, what they read, and what they are measured on."""

import json

import pytest

from ssl_jax.cli import main
from ssl_jax.reporting import display, log, pictures
from ssl_jax.run import evaluation
from tests.run.test_evaluation import SMALL, images

SHARES = ("knn", "linear", "centroid", "probe")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """(work directory, names of the sources whose features were made before the end) of 2 steps with an evaluation."""
    place, read, real = tmp_path_factory.mktemp("interval"), [], evaluation.embedded
    roles = {"train": 16, "test": 6, "valid": 5}
    data = {role: f"folder:{images(place / role, {'a': (0, n), 'b': (1, n)})}" for role, n in roles.items()}
    flags = [f"--config.data.train={data['train']}", f"--config.data.test={data['test']}"]
    flags += [f"--config.evaluation.validation={data['valid']}", "--config.evaluation.during=knn,linear,centroid"]
    flags += ["--config.evaluation.every=1 step", "--config.checkpoint.every=1 step", "--config.checkpoint.keep=2"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            evaluation,
            "embedded",
            lambda j, p, source, *a, **k: read.append(source.name) or real(j, p, source, *a, **k),
        )
        small = [flag for flag in SMALL if "evaluation.every" not in flag]
        assert main.main(["train", f"--workdir={place}/W", *small, *flags, "--config.evaluation.final=none"]) == 0
    return place, read, data


def row(place) -> dict:
    return next(row for row in log.rows(place / "W") if row["step"] == 1)


def test_features_are_made_once_of_training_and_validation_and_never_of_the_test_set(run):
    _, read, data = run
    assert read == [data["train"], data["valid"]]


def test_the_numbers_are_those_of_the_same_protocols_on_that_checkpoint(run, capsys):
    place, _, data = run
    asked = [
        "evaluate",
        f"--workdir={place}/W",
        "--step=1",
        f"--data={data['valid']}",
        "--protocol=knn,linear,centroid",
    ]
    trained = json.loads((place / "W" / "result.json").read_text())
    assert main.main([*asked, "--protocol=knn,linear,centroid"]) == 0
    found = json.loads((place / "W" / "result.json").read_text())
    for name in SHARES[:3]:
        assert row(place)[f"eval/{name}"] == found[name]["pretrained"], name
    assert 0 <= row(place)["eval/probe"] <= 1 and row(place)["eval/effective_rank"] >= 1
    # The evaluation's time is not the run's.
    assert {k: found[k] for k in ("seconds", "goodput")} == {k: trained[k] for k in ("seconds", "goodput")}
    assert trained["goodput"]["compile"] > 0 and "evaluated" not in trained
    assert found["evaluated"]["seconds"] > 0 and found["evaluated"]["goodput"]["compile"] == 0
    assert found["data"]["validation"]["source"] == data["valid"]
    assert f"(eval/: on {data['valid']})" in capsys.readouterr().out


def test_the_console_and_the_curves_have_all_of_them(run):
    found = row(run[0])
    line = display.summary(found, float("nan"))
    for title, name in (("kNN", "knn"), ("linear probe", "linear"), ("nearest class mean", "centroid")):
        assert f"{title} {found[f'eval/{name}']:.1%}" in line
    assert "uniformity" not in line
    keys = [key for key, *_ in pictures.panels([found])]
    assert [key for key in keys if key in {f"eval/{name}" for name in SHARES}] == [f"eval/{name}" for name in SHARES]


def test_recalls_on_the_console_are_those_of_the_nearest():
    assert display.summary({"eval/text_to_image@1": 0.25, "eval/text_to_image@5": 0.5}, float("nan")).endswith(
        "1 25.0%"
    )


@pytest.mark.parametrize(
    "flag, said",
    [
        ("during=knm", "config.evaluation.during: no 'knm' in the protocols"),
        ("during=gamma", "config.evaluation.during: no 'gamma' in the protocols"),
        ("validation=folder:/nowhere", "config.evaluation.validation: "),
    ],
)
def test_a_mistake_is_a_sentence_before_anything_is_written(tmp_path, capsys, flag, said):
    assert main.main(["train", "--config=quickstart", f"--workdir={tmp_path}/W", f"--config.evaluation.{flag}"]) == 2
    assert said in capsys.readouterr().err and not (tmp_path / "W").exists()
