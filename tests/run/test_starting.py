"""Runs that start from the weights of others: taken once, compared first, noted, the same run when it goes on."""

import json
import shutil

import jax
import numpy as np
import pytest

from ssl_jax import api, loop
from ssl_jax.cli import main
from ssl_jax.config import build, recipes, schema
from ssl_jax.exporting import export, grafting
from ssl_jax.features import encoder
from ssl_jax.process.goodput import Goodput
from ssl_jax.process.stopping import Stop
from ssl_jax.run import starting
from ssl_jax.shard import rules

CHANGES = {
    "duration": "2 steps",
    "batch": "16",
    "evaluation.every": "never",
    "evaluation.final": "none",
    "nets.encoder.depth": "(1, 1)",
    "nets.encoder.base": "4",
    "nets.projector.widths": "(8, 8)",
}


def recipe(start=None, **changes):
    full = schema.changed(recipes.load("quickstart"), CHANGES | {k.replace("__", "."): v for k, v in changes.items()})
    return schema.resolve({**full, "start": start or {}})


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A run of two steps, and its encoder as a file."""
    folder = tmp_path_factory.mktemp("source")
    job = build.job(recipe(seed="5"))
    loop.train(job, loop.compiled(job), str(folder / "run"), Goodput(), Stop())
    (folder / "run" / "config.json").write_text(json.dumps(job.config))
    export.export(str(folder / "run"), "npz", str(folder / "a.npz"), verify=False)
    return folder


def of(state, path):
    return jax.device_get(grafting.held(state, path))


@pytest.mark.parametrize("name", ["run", "a.npz"])
@pytest.mark.parametrize("mesh", [{"data": 8, "fsdp": 1}, {"data": 2, "fsdp": 4}])
def test_the_encoder_is_theirs_and_all_else_fresh(source, name, mesh, tmp_path, monkeypatch):
    monkeypatch.setattr(rules, "SMALL", 1)
    job = build.job({**recipe({"encoder": str(source / name)}), "mesh": mesh})
    program = loop.compiled(job)
    fresh = jax.device_get(loop.fresh(job, program))
    start = starting.prepared(job, program, str(tmp_path / "new"))
    state = starting.grafted(start, loop.fresh(job, program))
    theirs, place = encoder.load(str(source / "run")), job.method.encoders["encoder"]
    jax.tree.map(np.testing.assert_array_equal, of(state, place.params), jax.device_get(theirs.params))
    jax.tree.map(np.testing.assert_array_equal, of(state, place.stats), jax.device_get(theirs.stats))
    assert [a.sharding for a in jax.tree.leaves(state)] == [a.sharding for a in jax.tree.leaves(program.state)]
    rest = grafting.replaced(state, place, (of(fresh, place.params), of(fresh, place.stats)))
    jax.tree.map(np.testing.assert_array_equal, jax.device_get(rest), fresh)
    assert start.weights == {} and start.told["encoder"]["step"] == 2


def test_taken_once_and_noted(source, tmp_path):
    there, workdir = tmp_path / "there", str(tmp_path / "run")
    shutil.copytree(source / "run", there)
    config = recipe({"encoder": str(there)}, checkpoint__every="1 steps")
    whole = api.train(config, str(tmp_path / "whole"))
    assert whole["start"]["encoder"]["path"] == str(there) and whole["start"]["encoder"]["recipe"]
    half = api.train(config, workdir, changes={"duration": "1 steps"})
    shutil.rmtree(there)  # what was begun goes on without it
    rest = api.train(config, workdir)
    assert half["start"] == rest["start"] == whole["start"] == json.loads((tmp_path / "run/start.json").read_text())
    one, two = (encoder.load(path) for path in (str(tmp_path / "whole"), workdir))
    jax.tree.map(np.testing.assert_array_equal, one.params, two.params)
    with pytest.raises(ValueError, match="start"):
        api.train(recipe(), workdir)


def test_before_the_first_checkpoint_it_must_be_the_same(source, tmp_path):
    config, other = (
        recipe({"encoder": str(source / "run")}),
        {"weights_sha256": "0" * 64, "step": 9, "path": "elsewhere"},
    )
    (tmp_path / starting.FILE).write_text(json.dumps({"encoder": other}))
    job = build.job(config)
    with pytest.raises(ValueError, match="began with other weights for config.start.encoder: those of step 9 in else"):
        starting.prepared(job, loop.compiled(job), str(tmp_path))


@pytest.mark.parametrize(
    ("start", "changes", "words"),
    [
        ({"encoder": "nowhere/run"}, {}, "config.start.encoder: nowhere/run is not the work directory of a run"),
        ({"encoder": "nowhere.npz"}, {}, "config.start.encoder: there is no file nowhere.npz"),
        ({"encodr": "x"}, {}, "config.start: .*encodr.*encoder"),
        ({"encoder": 3}, {}, "config.start.encoder"),
        (
            None,
            {"nets.encoder.base": "8"},
            "config.start.encoder: .*kernel is .*, and the recipe's network wants",
        ),
        (None, {"nets.encoder.depth": "(1, 1, 1)"}, "config.start.encoder: .* missing"),
    ],
)
def test_what_cannot_be_is_one_sentence_before_anything_is_written(source, tmp_path, start, changes, words):
    with pytest.raises(ValueError, match=words):
        config = recipe({"encoder": str(source / "run")} if start is None else start)
        api.train(config, str(tmp_path / "run"), changes=changes)
    assert not (tmp_path / "run").exists()


def test_another_kind_of_network_is_refused(source, tmp_path):
    full = recipe({"encoder": str(source / "run")})
    full["nets"]["encoder"] = {"name": "vit", "variant": (8, 1, 1, 4)}
    with pytest.raises(ValueError, match="the network there is 'resnet', and config.nets.encoder is 'vit'"):
        api.train(schema.resolve(full), str(tmp_path / "run"))


def test_a_recipe_without_it_has_the_digest_that_it_had():
    full = recipe()
    assert full["start"] == {}
    assert recipes.digest(full) == recipes.digest({k: v for k, v in full.items() if k != "start"})
    assert recipes.digest(full) != recipes.digest({**full, "start": {"encoder": "a"}})


def test_the_command_line_says_it_in_one_sentence(tmp_path, capsys):
    flags = [f"--config.{k}={v}" for k, v in CHANGES.items()]
    start = '--config.start={"encoder": "nowhere"}'
    assert main.main(["train", "--config=quickstart", f"--workdir={tmp_path / 'run'}", *flags, start]) == 2
    assert "config.start.encoder: nowhere is not the work directory of a run" in capsys.readouterr().err
