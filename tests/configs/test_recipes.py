"""Recipes: each is found, resolves, and has an optimizer that fits the parameters of its method, at full size."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ssl_jax.config import build, catalog, durations, recipes, schema
from ssl_jax.data.parts import assumed
from ssl_jax.optim import leaves, schedules
from tests import sizes

LENGTHS = (
    *("byol_imagenet_r50:100", "byol_imagenet_r50:300", "dino_imagenet_vits16:300", "rho_byol_kinetics400:4"),
    *("moco_v3_imagenet_r50:100", "moco_v3_imagenet_r50:300", "simmim_imagenet_swinb:800"),
    *(f"mae_ablations:{change}" for change in ("ratio-0.5", "mask-token", "pca", "codes", "fixed-crop", "colors")),
    "mae_ablations:imagenet/pca",
)


def parts(text):
    """(resolved recipe, clock, shapes of the parameters, optimizer)"""
    config = schema.resolve(recipes.load(text))
    examples, classes, channels = sizes.of(config)
    clock = durations.run(config["duration"], examples=examples, batch=config["batch"])
    method, optimizer = build.method_and_optimizer(config, clock, classes)
    training = build.preprocess(config["views"], config["photometric"])
    known = assumed({view.of for view in training.views}, channels)
    shapes = build.shapes(training, config["batch"], known, catalog.targets(config))
    floats = {k: v if v.dtype == jnp.int32 else jax.ShapeDtypeStruct(v.shape, jnp.float32) for k, v in shapes.items()}
    params, _ = jax.eval_shape(method.init, jax.random.key(0), floats)
    return config, clock, params, optimizer


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(t, marks=pytest.mark.slow if sizes.published(recipes.load(t)) else ())
        for t in (*recipes.names(), *LENGTHS)
    ],
)
def test_the_optimizer_fits_the_parameters_and_its_state_keeps_its_shape(text):
    _, _, params, optimizer = parts(text)
    state = jax.eval_shape(optimizer.init, params)  # a group without parameters would raise
    updates, new = jax.eval_shape(optimizer.update, params, state, params)
    assert jax.tree.structure(updates) == jax.tree.structure(params)
    assert jax.tree.map(lambda x: (x.shape, x.dtype), new) == jax.tree.map(lambda x: (x.shape, x.dtype), state)


@pytest.mark.parametrize("text", (*recipes.names(), *LENGTHS))
def test_every_schedule_is_finite_and_not_negative(text):
    config = recipes.load(text)
    examples, _, _ = sizes.of(config)
    clock = durations.run(config["duration"], examples=examples, batch=config["batch"])
    groups = [group["lr"] for group in config["optimizer"].get("groups", ()) if "lr" in group]
    made = [v for v in config["method"].values() if isinstance(v, dict)]
    for spec in (config["lr"], config["optimizer"].get("weight_decay", 0.0), *groups, *made):
        schedule = schedules.make(spec, clock)
        values = [float(schedule(step)) for step in np.linspace(0, clock.total, 7).astype(int)]
        assert all(math.isfinite(v) and v >= 0 for v in values)
        assert max(values) > 0 or spec == 0.0


@pytest.mark.parametrize(
    "text", ["byol_imagenet_r50:200", "moco_v3_imagenet_r50:800", "dino_imagenet_vits16:800", "rho_byol_kinetics400:3"]
)
def test_a_length_that_was_not_published_is_refused_in_words(text):
    with pytest.raises(ValueError, match="is not published"):
        recipes.load(text)


def test_the_effective_rates_are_the_published_ones():
    peaks = {name: schedules.scale(c["lr"], c["batch"]) for name in recipes.names() for c in (recipes.load(name),)}
    published = {
        "simclr_imagenet_r50": 4.8,
        "simclr_v2_imagenet_r50": 6.4,
        "all4one_imagenet_r18": 1.0,
        "byol_imagenet_r50": 3.2,
        "simsiam_imagenet_r50": 0.1,
        "fastsiam_imagenet_r50": 0.00625,
        "w_mse_imagenet_r18": 2e-3,
        "moco_v2_imagenet_r50": 0.03,
        "moco_v1_imagenet_r50": 0.03,
        "moco_v3_imagenet_r50": 4.8,
        "moco_v3_imagenet_vits16": 2.4e-3,
        "infomin_imagenet_r50": 0.03,
        "pirl_imagenet_r50": 0.12,
        "obow_imagenet_r50": 0.03,
        "nnclr_imagenet_r50": 4.8,
        "supcon_imagenet_r50": 9.6,
        "dcl_imagenet_r50": 1.2,
        "dclw_imagenet_r50": 1.2,
        "densecl_imagenet_r50": 0.03,
        "swav_imagenet_r50": 4.8,
        "deepcluster_v2_imagenet_r50": 4.8,
        "dino_imagenet_vits16": 1e-3,
        "ibot_imagenet_vits16": 2e-3,
        "barlow_twins_imagenet_r50": 1.6,
        "vicreg_imagenet_r50": 1.6,
        "vicregl_imagenet_r50": 1.6,
        "tico_imagenet_r50": 3.2,
        "directclr_imagenet_r50": 4.8,
        "ressl_imagenet_r50": 0.05,
        "mmcr_imagenet_r50": 4.8,
        "frossl_imagenet_r18": 0.6,
        "lejepa_imagenet_vits16": 5e-4,
        "msn_imagenet_vits16": 1e-3,
        "dinov2_imagenet_vitl16": 4e-3 * 2**0.5,
        "mae_imagenet_vitb16": 2.4e-3,
        "ijepa_imagenet_vith14": 1e-3,
        "data2vec_imagenet_vitb16": 2e-3,
        "simmim_imagenet_swinb": 8e-4,
        "simmim_imagenet_vitb16": 4e-4,
        "maskfeat_imagenet_vitb16": 1.6e-3,
        "beit_imagenet_vitb16": 1.5e-3,
        "rotation_imagenet_r50": 0.1,
        "context_encoder_imagenet": 2e-3,
        "bigbigan_imagenet_r50": 2e-4,
        "cmc_imagenet_r50": 0.03,
        "amdim_imagenet": 2e-4,
        "cpc_v2_imagenet_r50": 4e-4,
        "rho_byol_kinetics400": 4.8,
    }
    assert {name: peaks[name] for name in published} == pytest.approx(published)


def still(text):
    """What one step of zero gradients does to parameters of one: the decay, by path."""
    _, _, shapes, optimizer = parts(text)
    params = jax.tree.map(lambda x: jnp.ones([min(n, 2) for n in x.shape]), shapes)
    state, updates = optimizer.init(params), None
    for _ in range(3):
        updates, state = optimizer.update(jax.tree.map(jnp.zeros_like, params), state, params)
    moved = {}
    leaves.map_paths(lambda path, u: moved.setdefault(path, bool(jnp.any(u != 0))), updates)
    return moved


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "decayed", "spared"),
    [
        ("mae_imagenet_vitb16", ("kernel", "cls_token", "mask_token"), ("bias", "scale")),
        ("dino_imagenet_vits16", ("kernel", "cls_token", "pos_embed"), ("bias", "scale", "direction")),
        ("simsiam_imagenet_r50", ("kernel", "bias", "scale"), ()),
        ("byol_imagenet_r50", ("kernel",), ("bias", "scale")),
    ],
)
def test_what_is_decayed_is_what_was_decayed_there(text, decayed, spared):
    for path, moved in still(text).items():
        name = path.split("/")[-1]
        if not path.startswith("probe/"):
            assert name in decayed + spared and moved == (name in decayed), path


@pytest.mark.slow
def test_the_patch_projection_of_moco_v3_stays_as_it_is_and_all_else_is_decayed():
    still_there = {path for path, moved in still("moco_v3_imagenet_vits16").items() if not moved}
    patches = {f"encoder/patch_embed/{name}" for name in ("kernel", "bias")}
    assert {path for path in still_there if not path.startswith("probe/")} == patches


def test_every_recipe_s_batch_divides_over_eight_devices():
    """A laptop's simulated ones, or the chips of a host."""
    assert not [name for name in recipes.names() if schema.resolve(recipes.load(name))["batch"] % 8]
