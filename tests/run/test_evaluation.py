"""The final evaluation: the right value, or a row with its reason, and nothing that was measured is lost."""

import contextlib
import errno
import io
import json
import os
import pathlib
import shutil
import tempfile
import types

import jax
import numpy as np
import PIL
import pytest
from PIL import Image

from ssl_jax import loop
from ssl_jax.cli import main
from ssl_jax.data import classes, sources
from ssl_jax.evals import suite, usable
from ssl_jax.reporting import pictures
from ssl_jax.run import baselines, evaluation, identity, robustness
from ssl_jax.run.evaluation import Rows, Scores

COLUMNS = ("chance", "raw_pixels", "random_init", "pretrained")
SMALL = (
    "--config=quickstart",
    "--config.batch=8",
    "--config.log.every=1 step",
    "--config.duration=2 steps",
    "--config.evaluation.every=never",
    "--config.lr.warmup=0 steps",
    "--config.nets.encoder.depth=(1,)",
    "--config.nets.encoder.base=8",
    "--config.nets.projector.widths=(8, 8)",
)


def images(root, counts):
    """A folder of images, dark but for one quarter, which tells the class, and a little noise."""
    for name, (quarter, count) in counts.items():
        (root / name).mkdir(parents=True)
        for k in range(count):
            pixels = np.random.default_rng(k).integers(0, 9, (28, 28), np.uint8)
            pixels[14 * (quarter // 2) :, 14 * (quarter % 2) :][:14, :14] += 200
            Image.fromarray(pixels).save(root / name / f"{k}.png")
    return root


def rows(source) -> Rows:
    """Pixels of a source as features."""
    x = np.stack([image.ravel() for image in sources.images(source, np.arange(source.size))]).astype(np.float32)
    return Rows(x, source.labels, np.ones(len(x), bool))


def job(train, seed=0):
    """As much of a job as scores need."""
    return types.SimpleNamespace(train=train, seed=seed)


@pytest.mark.parametrize("empty", [(), ("a",), ("a", "c")], ids=["alone", "beside an empty one", "between empty ones"])
def test_a_class_alone_in_the_test_set_scores_all(tmp_path, empty):
    """Numbers of its own would make class b of the test set class 0, and every score 0."""
    train = sources.open(f"folder:{images(tmp_path / 'train', {'a': (0, 20), 'b': (1, 20), 'c': (2, 20)})}")
    test = sources.open(f"folder:{images(tmp_path / 'test', {'b': (1, 5), **dict.fromkeys(empty, (0, 0))})}")
    assert sorted(path.name for path in (tmp_path / "test").iterdir()) == sorted(("b", *empty))
    mapped, said = classes.alike(train, test)
    found = evaluation.scored(job(train), rows(train), rows(mapped), suite.STANDARD)
    assert found.accuracies == {"knn": 1.0, "linear": 1.0, "few_shot_10": 1.0}
    assert found.reasons == {} and found.left_out == {"train": {}, "test": {}} and said == ()


def test_a_class_without_training_images_takes_no_part(tmp_path):
    """Its folder is there, so that the sets agree on names, and none of its test images could be right."""
    train = sources.open(f"folder:{images(tmp_path / 'train', {'a': (0, 0), 'b': (1, 20), 'c': (2, 20)})}")
    test = sources.open(f"folder:{images(tmp_path / 'test', {'a': (0, 5), 'b': (1, 5), 'c': (2, 5)})}")
    mapped, _ = classes.alike(train, test)
    found = evaluation.scored(job(train), rows(train), rows(mapped), suite.STANDARD)
    assert found.accuracies == {"knn": 1.0, "linear": 1.0, "few_shot_10": 1.0}
    assert found.reasons == {} and found.left_out == {"train": {}, "test": {"other_class": 5}}


def test_what_cannot_take_part_is_left_out_and_counted():
    x = np.repeat(np.eye(3, dtype=np.float32), 20, 0)
    y = np.repeat([0, 2, -1], 20)
    train = sources.arrays(np.zeros((60, 4, 4, 1), np.uint8), y, classes=("a", "empty", "c"))
    test = Rows(x[::10], np.array([0, 0, 2, classes.OTHER, -1, 1]), np.array([True, True, True, True, True, True]))
    valid = np.arange(60) != 0
    found = evaluation.scored(job(train), Rows(x, y, valid), test, suite.STANDARD)
    assert set(found.accuracies.values()) == {1.0}
    assert found.left_out == {"train": {"unreadable": 1, "unlabeled": 20}, "test": {"unlabeled": 1, "other_class": 2}}


@pytest.mark.parametrize(
    "counts, tested, said",
    [
        ((20, 3), 5, {"few_shot_10": "it wants 10 labels a class, and class 'b' has 3 training images"}),
        ((40, 0), 5, dict.fromkeys(suite.STANDARD, "there is one class, 'a'")),
        ((12, 12), 0, dict.fromkeys(suite.STANDARD, "there is no test image with a class that training has")),
        ((5, 4), 5, {"knn": "it wants 10 neighbors", "few_shot_10": "it wants 10 labels"}),
        ((1, 1), 5, {"knn": "", "linear": "it chooses its penalty on a part of the training", "few_shot_10": ""}),
        ((12, 12), 1, {}),
    ],
)
def test_a_protocol_that_cannot_run_says_why(counts, tested, said):
    y = np.repeat([0, 1], counts).astype(np.int32)
    x = np.eye(2, dtype=np.float32)[y] + np.random.default_rng(0).normal(0, 0.01, (len(y), 2)).astype(np.float32)
    train = sources.arrays(np.zeros((len(y), 4, 4, 1), np.uint8), y, classes=("a", "b"))
    test = Rows(
        x[:1].repeat(max(tested, 1), 0), np.full(max(tested, 1), 0 if tested else -1), np.ones(max(tested, 1), bool)
    )
    found = evaluation.scored(job(train), Rows(x, y, np.ones(len(y), bool)), test, suite.STANDARD)
    assert set(found.reasons) == set(said) and all(said[name] in reason for name, reason in found.reasons.items())
    assert {name for name, value in found.accuracies.items() if value is None} == set(said)
    assert all(value == 1.0 for name, value in found.accuracies.items() if name not in said)


def test_labels_that_are_usable():
    part = usable.of(np.array([3, 3, 7, -1]), np.array([7, 5, -1]), test_valid=np.array([True, True, False]))
    assert part.classes.tolist() == [3, 7] and part.numbered(np.array([7, 3])).tolist() == [1, 0]
    assert part.left_out == {"train": {"unlabeled": 1}, "test": {"unreadable": 1, "other_class": 1}}


def trained(place, train, test, *more) -> tuple[int, str]:
    """The command on folders of images: (exit code, what it wrote to stderr before the first step)."""
    data = tuple(
        f"--config.data.{role}=folder:{images(place / role, counts)}"
        for role, counts in (("train", train), ("test", test))
    )
    before, loops = [], loop.train

    def begins(*arguments):
        before.append(written.getvalue())
        return loops(*arguments)

    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stderr(io.StringIO()) as written:
        patch.setattr(loop, "train", begins)
        code = main.main(["train", f"--workdir={place}/W", *SMALL, *data, *more])
    assert len(before) == 1 and len((place / "W" / "metrics.jsonl").read_text().splitlines()) == 2
    return code, before[0]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The command on 23 images of which 3 are of class b: (folder, exit code, what it wrote before the first step)."""
    place = tmp_path_factory.mktemp("run")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pictures, "projection", lambda *_: 1 / 0)
        return place, *trained(place, {"a": (0, 20), "b": (1, 3)}, {"a": (0, 4), "b": (1, 4), "x": (2, 2)})


def result(place) -> dict:
    return json.loads((place / "W" / "result.json").read_text())


def foreseen(said: str) -> dict[str, str]:
    """{protocol: reason} of the sentences about what will not be measured."""
    found = [line.removeprefix("ssl-jax: ").split(" will not be measured: ") for line in said.splitlines()]
    return dict(parts for parts in found if len(parts) == 2)


def test_a_run_with_a_small_class_ends_with_what_can_be_measured(run):
    place, code, before = run
    assert code == 0
    found = result(place)
    assert found["knn"]["raw_pixels"] == 1.0 and found["linear"]["raw_pixels"] == 1.0
    assert found["few_shot_10"] == dict.fromkeys(COLUMNS)
    assert "class 'b' has 3 training images" in found["not_measured"]["few_shot_10"]
    assert foreseen(before) == found["not_measured"], "said before the first step"
    assert f"2 examples of folder:{place}/test in classes that folder:{place}/train lacks take no part" in before
    assert found["left_out"] == {"train": {}, "test": {"other_class": 2}}
    assert found["data"]["test"]["source"] == f"folder:{place}/test"
    assert not (place / "W" / "projection.png").exists() and (place / "W" / "curves.png").exists()


def test_evaluate_takes_another_test_set_and_no_other_recipe(run, capsys):
    place = run[0]
    first = result(place)
    assert main.main(["evaluate", f"--workdir={place}/W", "--protocol=all"]) == 0
    said, again = capsys.readouterr(), result(place)
    assert again["from_cache"] == ["raw_pixels", "random_init"] and first["from_cache"] == []
    assert {k: again[k] for k in suite.STANDARD} == {k: first[k] for k in suite.STANDARD}, "bit by bit"
    assert "10 labels a class is not measured: it wants 10 labels a class" in said.out and "raw pixels and" in said.out
    assert "few_shot_10 will not be measured" in said.err and "lacks take no part in any score: x" in said.err

    images(place / "other", {"b": (1, 3)})
    assert main.main(["evaluate", f"--workdir={place}/W", f"--data=folder:{place}/other"]) == 0
    other = result(place)
    assert other["data"]["test"]["source"] == f"folder:{place}/other" and other["knn"]["raw_pixels"] == 1.0
    assert other["from_cache"] == []
    capsys.readouterr()
    assert main.main(["evaluate", f"--workdir={place}/W", "--config.method.temperature=0.9"]) == 2
    assert "holds a run of another recipe" in capsys.readouterr().err
    assert main.main(["evaluate", f"--workdir={place}/W", f"--config.data.train=folder:{place}/test"]) == 2
    assert "holds a run on other data: data.train was" in capsys.readouterr().err
    assert main.main(["evaluate", f"--workdir={place}/W", "--protocol=knm"]) == 2
    assert (
        "config.evaluation.final: no 'knm' in the protocols, with numbers in the place of N and K; did you mean knn?"
        in capsys.readouterr().err
    )
    assert main.main(["evaluate", f"--workdir={place}/W", "--config.evaluation.final=none"]) == 0
    assert "knn" not in result(place) and "No accuracies, by config.evaluation.final" in capsys.readouterr().out


@pytest.mark.parametrize(
    "train, test, more, said",
    [
        (
            {"a": (0, 5), "b": (1, 4)},
            {"a": (0, 3), "b": (1, 3)},
            (),
            {
                "knn": "it wants 10 neighbors, and 7 of the 9 training images are left for its validation part",
                "few_shot_10": "it wants 10 labels a class, and class 'b' has 4 training images",
            },
        ),
        pytest.param(
            {"a": (0, 12)},
            {"a": (0, 3), "x": (1, 2)},
            ("--config.probe=False",),
            dict.fromkeys(suite.STANDARD, "there is one class, 'a'"),
            marks=pytest.mark.slow,
        ),
        pytest.param(
            {"a": (0, 12), "b": (1, 0)},
            {"a": (0, 0), "b": (1, 5)},
            (),
            dict.fromkeys(suite.STANDARD, "there is no test image with a class that training has"),
            marks=pytest.mark.slow,
        ),
    ],
    ids=["few images", "one class", "no test image"],
)
def test_what_will_not_be_measured_is_said_before_the_first_step(tmp_path, capsys, train, test, more, said):
    code, before = trained(tmp_path, train, test, *more)
    assert code == 0 and foreseen(before) == said
    found = result(tmp_path)
    assert found["not_measured"] == said
    assert {name for name in suite.STANDARD if found[name] == dict.fromkeys(COLUMNS)} == set(said)
    assert all(found[name]["raw_pixels"] == 1.0 for name in set(suite.STANDARD) - set(said))
    printed = capsys.readouterr().out
    assert all(f"is not measured: {reason}" in printed for reason in said.values())


BALANCED = ({"a": (0, 14), "b": (1, 14)}, {"a": (0, 5), "b": (1, 5)})


def test_a_run_that_asks_for_knn_has_no_other_score(tmp_path, capsys):
    code, before = trained(tmp_path, *BALANCED, "--config.evaluation.final=knn")
    found, printed = result(tmp_path), capsys.readouterr().out
    assert code == 0 and foreseen(before) == {} and found["not_measured"] == {}
    assert set(found) & {*suite.STANDARD} == {"knn"} and set(found["knn"]) == {*COLUMNS}
    assert found["knn"]["raw_pixels"] == 1.0 and all(0 <= value <= 1 for value in found["knn"].values())
    assert "kNN" in printed and "linear probe" not in printed


def test_a_run_that_asks_for_no_score_leaves_all_to_evaluate(tmp_path, capsys):
    code, before = trained(tmp_path, *BALANCED, "--config.evaluation.final=none")
    found, printed = result(tmp_path), capsys.readouterr().out
    assert code == 0 and foreseen(before) == {}
    assert not set(found) & {*suite.STANDARD, "not_measured", "left_out", "from_cache"} and found["step"] == 2
    assert f"No accuracies, by config.evaluation.final; `ssl-jax evaluate --workdir={tmp_path}/W` has them." in printed
    assert main.main(["evaluate", f"--workdir={tmp_path}/W"]) == 0
    later = result(tmp_path)
    assert all(later[name]["raw_pixels"] == 1.0 for name in suite.STANDARD)
    assert all(0 <= later[name][encoder] <= 1 for name in suite.STANDARD for encoder in COLUMNS)
    assert (later["config_hash"], later["step"], later["data"]) == (found["config_hash"], 2, found["data"])
    assert set(later["not_measured"]) == {"ridge_25", "episodes_5_1", "episodes_5_5"}, "with 14 images a class"
    assert "10 labels a class" in capsys.readouterr().out and later["clusters"]["chance"] is None
    assert later["details"]["pretrained"]["few_shot_10"]["std"] >= 0 and later["knn"]["chance"] == 0.5


CONFIG = {
    "seed": 0,
    "clean": (),
    "photometric": "device",
    "evaluation": {"every": "never", "examples": 9, "final": "all"},
    "method": {},
    "duration": "1 step",
    "log": {},
    "mesh": {},
}
SCORES = Scores({"knn": 1 / 3}, {}, {"train": {}, "test": {"unreadable": 1}})


def with_baselines(**changes):
    """As much of a job as baselines need."""
    data = sources.arrays(np.zeros((4, 4, 4, 1), np.uint8), np.zeros(4, np.int32))
    other = sources.arrays(np.ones((4, 4, 4, 1), np.uint8), np.zeros(4, np.int32))
    parts = {k: v for k, v in changes.items() if k in ("train", "test")}
    config = {**CONFIG, **{k: v for k, v in changes.items() if k not in parts}}
    return types.SimpleNamespace(config=config, **{"train": data, "test": other, "patience": 1.0, **parts})


def kept(name="raw_pixels", **changes) -> bool:
    """Whether the scores of a baseline were there; they are afterwards."""
    known, made = baselines.Known(with_baselines(**changes)), []
    assert known(name, lambda: made.append(name) or SCORES) == SCORES
    assert known.found == [name] * (not made)
    return not made


def test_baselines_are_kept_by_all_that_they_depend_on(tmp_path, monkeypatch):
    monkeypatch.setenv("SSL_JAX_CACHE", str(tmp_path))
    assert [kept(), kept()] == [False, True]
    assert not kept(seed=1) and kept(method={"name": "byol"})
    assert [kept("random_init"), kept("random_init"), kept("random_init", method={"name": "byol"})] == [0, 1, 0]
    assert kept(log={"every": "1 step"}) and kept("random_init", mesh={"data": 1})
    evaluated = CONFIG["evaluation"]
    assert kept(evaluation={**evaluated, "every": "1 step"}) and not kept(evaluation={**evaluated, "examples": 8})
    assert not kept(evaluation={**evaluated, "final": "knn"}) and not kept(clean=({"size": 9},))
    data = with_baselines().train
    assert not kept(test=data)
    relabeled = data._replace(labels=np.array([0, 0, 0, classes.OTHER], np.int32))
    assert [kept(test=relabeled), kept(test=relabeled._replace(classes=("a",)))] == [False, False]
    for patched in ({"__version__": "0"}, {"device_count": lambda: 99}, {"default_backend": lambda: "abacus"}):
        with monkeypatch.context() as patch:
            for name, value in patched.items():
                patch.setattr(baselines.jax, name, value)
            assert [kept(), kept()] == [False, True], patched
    with monkeypatch.context() as patch:
        patch.setattr(PIL, "__version__", "0")
        assert [kept(), kept()] == [False, True], "pixels may be others"
    for path in (tmp_path / "baselines").iterdir():
        path.write_text('{"accuracies": ')
    assert [kept(), kept()] == [False, True], "a damaged file is made anew"


def test_a_user_without_a_home_has_a_cache(tmp_path, monkeypatch):
    monkeypatch.delenv("SSL_JAX_CACHE")
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)  # as where neither HOME nor the user is known
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert [kept(), kept()] == [False, True]
    assert list(tmp_path.glob("ssl_jax_*/baselines/raw_pixels-*.json"))


def test_baselines_are_measured_anew_where_the_code_is_another(tmp_path, monkeypatch):
    monkeypatch.setenv("SSL_JAX_CACHE", str(tmp_path / "cache"))
    package = shutil.copytree(
        pathlib.Path(identity.__file__).parents[1], tmp_path / "ssl_jax", ignore=shutil.ignore_patterns("__pycache__")
    )
    assert kept() is False
    monkeypatch.setattr(identity, "__file__", str(package / "run" / "identity.py"))
    assert kept(), "the same code in another place"
    knn = package / "evals" / "knn.py"
    before = knn.read_bytes()
    knn.write_bytes(before + b"# another line\n")
    assert [kept(), kept()] == [False, True]
    knn.write_bytes(before)
    (package / "notes.txt").write_text("no code")
    assert kept(), "the code of before, with another time"
    knn.rename(knn.with_name("neighbors.py"))
    assert [kept(), kept()] == [False, True]
    (package / "evals" / "new.py").write_text("")
    assert [kept(), kept()] == [False, True]


def test_a_place_that_cannot_be_written_to_is_no_reason_to_end(tmp_path, monkeypatch, capsys):
    """Nor to complain: it costs the next run a minute. Permissions would not stop root, who may run the tests."""
    (tmp_path / "file").write_text("here first")
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "baselines").write_text("here first")
    for place in (tmp_path / "file", tmp_path / "file" / "below", tmp_path / "inside", "/proc/nowhere"):
        monkeypatch.setenv("SSL_JAX_CACHE", str(place))
        assert [kept(), kept()] == [False, False], place
    monkeypatch.setenv("SSL_JAX_CACHE", str(tmp_path / "full"))
    for code in (errno.EROFS, errno.ENOSPC, errno.EACCES):
        with monkeypatch.context() as patch:
            patch.setattr(os, "replace", failing(code))
            assert [kept(), kept()] == [False, False], "as on a disk that is full or may only be read"
    assert list((tmp_path / "full" / "baselines").iterdir()) == [] and capsys.readouterr().err == ""
    assert [kept(), kept()] == [False, True]


def failing(code: int):
    def fails(*arguments, **options):
        raise OSError(code, os.strerror(code))

    return fails


def test_a_diverged_encoder_is_a_column_without_numbers(monkeypatch):
    data = sources.arrays(np.zeros((24, 4, 4, 1), np.uint8), np.arange(24) % 2, classes=("a", "b"))
    x = np.eye(2, dtype=np.float32)[data.labels]
    good, bad = (Rows(x * scale, data.labels, np.ones(24, bool)) for scale in (1, np.float32(np.nan)))
    monkeypatch.setattr(evaluation, "unlearned", lambda job, program, source, name: good)
    monkeypatch.setattr(evaluation, "embedded", lambda job, program, source, state: bad if state else good)
    clean = types.SimpleNamespace(inputs={"image": "clean"})
    asked = {"examples": 100, "final": "all"}
    one = types.SimpleNamespace(train=data, test=data, seed=0, evaluation=asked, clean=clean)
    found = evaluation.final(one, None, state=True, random=lambda: False)
    assert found["knn"] == {"raw_pixels": 1.0, "random_init": 1.0, "pretrained": None, "chance": 0.5}
    assert "not finite: the encoder has diverged" in found["not_measured"]["pretrained"]
    json.dumps(found, allow_nan=False)
    assert jax.tree.leaves(found["left_out"]) == []


def test_all_checkpoints_of_a_run_side_by_side(tmp_path, capsys):
    more = ("--config.evaluation.final=none", "--config.checkpoint.every=1 step", "--config.checkpoint.keep=2")
    assert trained(tmp_path, *BALANCED, *more)[0] == 0
    capsys.readouterr()
    asked = ["evaluate", f"--workdir={tmp_path}/W", "--all-steps", "--protocol=centroid,episodes_2_1"]
    assert main.main(asked) == 0
    captured, found = capsys.readouterr(), json.loads((tmp_path / "W" / "steps.json").read_text())
    assert [each["step"] for each in found["steps"]] == [1, 2]
    assert all(0 <= each["centroid"] <= 1 and each["episodes_2_1"] is None for each in found["steps"])
    assert "episodes_2_1 will not be measured: it wants 2 classes with 1 + 15 test images each" in captured.err
    assert f"(RankMe) chooses step {found['chosen']['effective_rank']}" in captured.out
    with pytest.raises(SystemExit):
        main.main([*asked, "--step=1"])
    assert "not allowed with argument" in capsys.readouterr().err


def test_what_a_probe_still_knows_of_distorted_images(tmp_path, capsys):
    assert trained(tmp_path, *BALANCED, "--config.evaluation.final=none")[0] == 0
    capsys.readouterr()
    assert main.main(["evaluate", f"--workdir={tmp_path}/W", "--protocol=centroid,gamma,patches"]) == 0
    printed, found = capsys.readouterr().out, result(tmp_path)
    assert set(found["robustness"]) == {"raw_pixels", "random_init", "pretrained"}
    pixels = found["robustness"]["raw_pixels"]
    assert list(pixels) == ["clean", *(f"gamma {e:g}" for e in robustness.EXPONENTS), "patches 2x2", "patches 4x4"]
    assert pixels["clean"] == {"accuracy": 1.0, "drop": 0.0, "relative": 0.0}
    assert pixels["gamma 2"]["accuracy"] > 0.9, "the classes differ by which quarter is light"
    assert pixels["patches 2x2"]["accuracy"] < 0.9, "and the quarters have changed places"
    assert found["centroid"]["raw_pixels"] == 1.0 and "What it withstands" in printed


def test_gamma_of_one_loses_exactly_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(robustness, "EXPONENTS", (1.0,))
    assert trained(tmp_path, *BALANCED, "--config.evaluation.final=gamma")[0] == 0
    for scores in result(tmp_path)["robustness"].values():
        assert scores["gamma 1"]["drop"] == 0.0
