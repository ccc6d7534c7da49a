"""Recipes of probes by name, what they see of an encoder, and their figures."""

import pathlib
import re

import jax
import numpy as np
import pytest
from numpy.testing import assert_allclose

from ssl_jax.config import durations
from ssl_jax.evals import suite
from ssl_jax.nets.vit import vit
from ssl_jax.optim import chain, schedules
from ssl_jax.probes import inputs, recipes, views
from ssl_jax.reporting import report
from ssl_jax.run import fine_tuning, protocols

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "evaluation.md"
IMAGES = np.random.default_rng(0).normal(0, 1, (2, 12, 16, 3)).astype(np.float32)


@pytest.mark.parametrize("name", recipes.RECIPES)
def test_every_recipe_can_be_made(name):
    recipe = recipes.RECIPES[name]
    clock = durations.run(f"{recipe.epochs} epochs", examples=1_281_167, batch=recipe.batch)
    chain.make(clock=clock, lr=recipe.rates[0], **recipe.optimizer)
    share = schedules.make(recipe.schedule, clock)
    assert max(float(share(step)) for step in np.linspace(0, clock.total, 50).astype(int)) == pytest.approx(1, abs=0.05)
    assert (
        "arXiv:" in recipe.source
        and recipes.known(f"probe_{name}_3_64")
        and len(set(recipe.rates)) == len(recipe.rates)
    )


def test_published_figures():
    """Rates at the published batch, and where they fall."""
    peaks = {name: r.rates[-1] * r.batch / 256 for name, r in recipes.RECIPES.items()}
    assert peaks["simclr"] == 1.6 and peaks["mae"] == 6.4 and peaks["moco"] == 30 and peaks["dinov2"] == 0.4
    assert len(recipes.RECIPES["dinov2"].rates) == 13 and len(recipes.RECIPES["dinov2"].inputs) == 4
    moco = recipes.of("probe_moco")
    clock = durations.run("100 epochs", examples=2560, batch=256)
    at = [float(schedules.make(moco.schedule, clock)(step)) for step in (599, 600, 799, 800)]
    assert_allclose(at, [1, 0.1, 0.1, 0.01], rtol=1e-6)
    mae = schedules.make(recipes.of("probe_mae").schedule, durations.run("9 epochs", examples=10, batch=1))
    assert_allclose([float(mae(step)) for step in (0, 5, 10, 50, 90)], [0, 0.5, 1, 0.5, 0], atol=1e-6)


def test_the_page_has_the_figures():
    """docs/evaluation.md, a row for each recipe."""
    rows = [line.split(" | ") for line in PAGE.read_text().splitlines() if line.startswith("| `probe_")]
    said = {name: row for row in rows for name in re.findall(r"`probe_(\w+)`", row[0])}
    assert list(said) == list(recipes.RECIPES)
    for name, (_, _, _, rates, decay, batch, epochs, _) in said.items():
        recipe = recipes.RECIPES[name]
        assert (int(batch), epochs.split(",")[0]) == (recipe.batch, str(recipe.epochs))
        assert float(decay) == recipe.optimizer.get("weight_decay", 0.0)
        known = [float(number) for number in re.findall(r"\d[\d.e-]*\d|\d", rates)]
        assert known == ([13, min(recipe.rates), max(recipe.rates)] if len(recipe.rates) == 13 else list(recipe.rates))


def test_numbers_behind_a_name_are_epochs_and_batch():
    plain, short, small = (recipes.of(f"probe_mae{rest}") for rest in ("", "_5", "_5_256"))
    assert (plain.epochs, plain.batch) == (90, 16384)
    assert (short.epochs, short.batch) == (5, 16384) and (small.epochs, small.batch) == (5, 256)
    assert recipes.of("probe_moco_v3_7").rates == (3.0,)
    assert recipes.title("probe_mae_5_256") == "MAE's probe, 5 epochs, batch 256"
    for wrong in ("probe_mae_0", "probe_mae_5_256_1", "probe_", "mae", "probe_mae_x", "probe_maes"):
        assert not recipes.known(wrong)


def test_protocols_of_all_kinds_by_one_text():
    text = "knn, probe_mae_5,gamma,fine_tune_10_2"
    assert protocols.asked(text) == ("knn", "probe_mae_5", "gamma", "fine_tune_10_2")
    assert protocols.probes(text) == ("probe_mae_5",) and protocols.tuned(text) == ("fine_tune_10_2",)
    assert protocols.asked("all") == suite.STANDARD
    with pytest.raises(ValueError, match="did you mean .*probe_mae"):
        protocols.asked("probe_mea")
    for wrong in ("fine_tune_0", "fine_tune_101", "fine_tune_N", "fine_tune_5_0", "probe_byol_a"):
        with pytest.raises(ValueError, match="in the protocols"):
            protocols.asked(wrong)
    assert fine_tuning.title("fine_tune_10_2") == "fine-tuned, 10 % of the labels, 2 epochs"


def test_what_heads_see_of_a_vision_transformer():
    net = vit(variant=(16, 3, 2, 4), registers=2)
    params, _ = jax.jit(net.init)(jax.random.key(0), IMAGES)
    told = [dict(summaries=3), dict(last_layers=3)]
    y, plain = jax.jit(lambda p: [net.apply(p, {}, IMAGES, train=False, **each)[0] for each in told])(params)
    assert_allclose(y["cls_layers"][:, -1], plain["cls"], rtol=1e-5, atol=1e-6)
    assert_allclose(y["summaries"][:, :, 1], plain["layers"].mean(2), rtol=1e-5, atol=1e-6)
    seen = inputs.read(y, ("cls_1", "cls_1_mean", "cls_4", "each", "pool"))
    assert {name: x.shape[1] for name, x in seen.items()} == {
        **{"cls_1": 16, "cls_1_mean": 32, "cls_4": 48, "layer_1": 32, "layer_2": 32, "layer_3": 32, "pool": 16}
    }
    assert_allclose(seen["cls_1_mean"][:, 16:], plain["tokens"].mean(1), rtol=1e-5, atol=1e-6)
    shallow = vit(variant=(16, 1, 2, 4), registers=2)
    first = {**params, "blocks": jax.tree.map(lambda a: a[:1], params["blocks"])}
    assert_allclose(
        y["cls_layers"][:, 0], shallow.apply(first, {}, IMAGES, train=False)[0]["cls"], rtol=1e-4, atol=1e-5
    )


def test_what_an_encoder_is_asked_for():
    spec = dict(name="vit", cls_token=True)
    assert inputs.options(("pool",), dict(name="resnet"), 0) == {}
    assert inputs.options(("cls",), spec, 12) == {}
    assert inputs.options(("cls_1", "cls_4_mean"), spec, 12) == {"summaries": 4}
    assert inputs.options(("cls_4",), spec, 3) == {"summaries": 3}
    assert inputs.options(("each",), spec, 12) == {"summaries": 12}
    for wanted, other in ((("cls",), dict(name="resnet")), (("cls_4",), spec | dict(cls_token=False))):
        with pytest.raises(ValueError, match=f"see class tokens, and this {other['name']} has none"):
            inputs.options(wanted, other, 0)


def test_the_augmented_view_has_a_crop_in_the_place_of_the_framing():
    normalize = dict(name="normalize", args=dict(mean=(0.5,), std=(0.5,)))
    clean = dict(group="clean", count=1, size=24, ops=(dict(name="resize"), dict(name="center_crop"), normalize))
    made = views.augmented(clean, method="bicubic")
    assert [op["name"] for op in made["ops"]] == ["random_resized_crop", "flip", "normalize"]
    assert made["ops"][0]["args"] == dict(scale=(0.08, 1.0), method="bicubic") and made["size"] == 24


def test_rows_of_probes_and_of_fine_tuning_stand_in_one_table():
    features = {
        "knn": {"random_init": 0.3, "pretrained": 0.5},
        "not_measured": {},
        "details": {"pretrained": {"knn": {}}},
    }
    probed = {
        "probe_mae_5": {"chance": 0.1, "random_init": None, "pretrained": 0.4},
        "not_measured": {"probe_mae_5": "so"},
    }
    probed["details"] = {"pretrained": {"probe_mae_5": {"steps": 3}}, "random_init": {}}
    tuned = {"fine_tune_10": {"random_init": 0.2, "pretrained": 0.6}}
    found = protocols.merged(protocols.merged(features, probed), tuned)
    assert found["details"] == {"pretrained": {"knn": {}, "probe_mae_5": {"steps": 3}}, "random_init": {}}
    table = report.table(found)
    columns = {column.header: list(column.cells) for column in table.columns}
    assert columns["test accuracy, %"] == ["kNN", "MAE's probe, 5 epochs", "fine-tuned, 10 % of the labels"]
    assert columns["chance"] == ["-", "10.0", "-"] and columns["random init"] == ["30.0", "-", "20.0"]
    assert report.remarks(found) == ["MAE's probe, 5 epochs is not measured: so"]
    assert protocols.merged(features, {}) == features
