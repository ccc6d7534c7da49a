"""Images find the names of their classes: against loops, and a run of pairs from end to end, also on images alone."""

import json
from types import SimpleNamespace

import jax
import numpy as np
import pytest
from numpy.testing import assert_allclose

from ssl_jax import api
from ssl_jax.cli import main
from ssl_jax.data import source
from ssl_jax.run import matching, zero_shot
from ssl_jax.run.job import Preprocess
from ssl_jax.types import Op, View
from ssl_jax.views import compose_host, texts
from tests.run import test_matching as pairs
from tests.run.test_evaluation import images

pytest.importorskip("tokenizers")
PROMPTS = ("{}", "a {} thing")


def unit(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def test_the_nearest_class_is_that_of_loops():
    g = np.random.default_rng(0)
    x, classes, labels = g.normal(size=(40, 6)), g.normal(size=(7, 6)), g.integers(0, 7, 40)
    order = np.argsort(-unit(x) @ unit(classes).T, axis=1)
    hits = order[:, 0] == labels
    found = zero_shot.ranked(x, classes, labels)
    assert_allclose(found["top_1"], hits.mean())
    assert_allclose(found["top_5"], np.mean([label in row[:5] for label, row in zip(labels, order, strict=True)]))
    assert_allclose(found["mean_per_class"], np.mean([hits[labels == c].mean() for c in np.unique(labels)]))
    same = zero_shot.ranked(np.ones((40, 6)), np.ones((7, 6)), labels)  # a collapsed encoder knows nothing
    assert_allclose([same["top_1"], same["top_5"]], [1 / 7, 5 / 7])
    assert "top_5" not in zero_shot.ranked(x, classes[:4], labels % 4)


@pytest.mark.parametrize("batch", [1, 4, 100])
def test_a_class_is_the_mean_of_the_unit_projections_of_its_prompts(batch):
    view = View("text", 1, 24, (Op("tokenize", args={"size": 24}),), "text")
    job = SimpleNamespace(clean=Preprocess((view,), None, None), evaluation=dict(prompts=PROMPTS))
    weights = np.random.default_rng(1).normal(size=(24, 5))
    tokens = zero_shot.prompted(("cat", "hot_dog", "owl"), job)
    found = zero_shot.class_vectors(tokens, lambda rows: rows @ weights, batch)
    for row, name in zip(found, ("cat", "hot dog", "owl"), strict=True):
        both = [texts.encoded(p.replace("{}", name).encode(), size=24, merges="") @ weights for p in PROMPTS]
        assert_allclose(row, np.mean([unit(each) for each in both], 0), rtol=1e-12)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The folder of a short run of pairs, W, and images of its colors without captions."""
    place = tmp_path_factory.mktemp("zero_shot")
    api.train(pairs.recipe(place), str(place / "W"), changes={"evaluation.every": "never", "evaluation.final": "none"})
    images(place / "alone", {name: (k, 10) for k, name in enumerate(("red", "blue", "gray"))})
    return place


def test_a_run_of_pairs_is_measured_on_its_own_test_set(run, capsys):
    flags = ("--protocol=zero_shot", f"--config.evaluation.prompts={PROMPTS}")
    assert main.main(["evaluate", f"--workdir={run}/W", *flags]) == 0
    assert "zero-shot, by class names" in capsys.readouterr().out
    found = json.loads((run / "W" / "result.json").read_text())
    details = found["details"]["pretrained"]["zero_shot"]
    assert found["zero_shot"]["chance"] == 1 / 4 and details["classes"] == 4 and details["prompts"] == list(PROMPTS)
    assert not {*matching.NAMES} & {*found}, "nothing else was asked for"
    assert found["zero_shot"]["pretrained"] == pytest.approx(by_loops(f"{run}/W"), abs=1e-9)


def by_loops(workdir):
    """The same accuracy, one image and one prompt at a time."""
    job, program = api.again(workdir, {}, api.Flags())
    state = api.restored(job, program, workdir, None)

    def seen(part, raw):
        made = zero_shot.only(job, part)
        host = compose_host.alone(made.host, raw, part=part)
        (view,) = made.device(jax.random.key(0), {group: x[None] for group, x in host.items()}).values()
        found = job.method.embed(state.params, state.method_state, {part: view[0]})
        return unit(np.asarray(found[f"projection/{part}"][0], np.float64))

    named = [np.mean([seen("text", p.replace("{}", name)) for p in PROMPTS], 0) for name in job.test.classes]
    known = list(source.readable(job.test, np.arange(job.test.size)))
    said = [np.argmax(unit(np.array(named)) @ seen("image", pixels)) for _, pixels in known]
    return np.mean(np.array(said) == job.test.labels[[index for index, _ in known]])


def test_images_without_captions_are_measured_by_transfer(run):
    flags = (f"--data=folder:{run}/alone", "--test=0.5", "--protocol=linear,zero_shot")
    assert main.main(["transfer", f"--workdir={run}/W", *flags]) == 0
    (row,) = json.loads((run / "W" / "transfer.json").read_text())["datasets"].values()
    assert {"chance", "raw_pixels", "random_init", "pretrained"} <= {*row["scores"]["linear"]}
    assert row["scores"]["zero_shot"]["chance"] == pytest.approx(1 / 3)
    assert row["details"]["pretrained"]["zero_shot"]["prompts"] == ["a photo of a {}."]
    assert 0 <= row["scores"]["zero_shot"]["pretrained"] <= 1


@pytest.mark.parametrize(
    "prompts, said",
    [
        ("()", "config.evaluation.prompts: there is no prompt"),
        ("('a photo',)", "the prompt 'a photo' needs one {}, where the name of a class stands"),
    ],
)
def test_prompts_without_a_place_for_the_name_are_refused(prompts, said, run, capsys):
    assert main.main(["evaluate", f"--workdir={run}/W", f"--config.evaluation.prompts={prompts}"]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    "inputs, test, said",
    [
        (("image",), None, "compares images with texts, and the encoder takes image"),
        (("image", "text"), None, "wants a test set of images with labels"),
    ],
)
def test_why_it_cannot_be_measured(inputs, test, said):
    job = SimpleNamespace(clean=SimpleNamespace(inputs={part: part for part in inputs}))
    assert said in zero_shot.impossible(job, test)
