"""Every recipe builds and its step lowers at full size; no data is read and nothing is compiled."""

import jax
import pytest

from ssl_jax.config import build, catalog, durations, recipes, schema
from ssl_jax.data.parts import assumed
from ssl_jax.shard import mesh, program
from tests import sizes


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=pytest.mark.slow if sizes.published(recipes.load(n)) else ()) for n in recipes.names()],
)
def test_the_step_lowers(name):
    config = schema.resolve(recipes.load(name))
    examples, classes, channels = sizes.of(config)
    clock = durations.run(config["duration"], examples=examples, batch=config["batch"])
    method, optimizer = build.method_and_optimizer(config, clock, classes)
    training, clean = (build.preprocess(config[key], config["photometric"]) for key in ("views", "clean"))
    known = assumed({view.of for view in training.views}, channels)
    shapes = build.shapes(training, config["batch"], known, catalog.targets(config))
    place = mesh.make(1, 1, devices=jax.devices()[:1])
    made = program.build(method, optimizer, training.device, clean.device, shapes, place, inputs=clean.inputs)
    key = jax.eval_shape(lambda: jax.random.key(0))
    text = made.step.lower(made.state, made.batch, key).as_text()
    assert "callback" not in text
    whole = build.shapes(clean, 2, assumed({view.of for view in clean.views}, channels))
    views = {group: whole[group] for group in clean.inputs.values()}
    assert "pool" in jax.eval_shape(made.embed, made.state.params, made.state.method_state, views)


@pytest.mark.parametrize("name", recipes.names())
def test_the_docstring_says_how_to_run_it(name):
    text = (recipes.folder() / f"{name}.py").read_text()
    assert f"--config={name}" in text
    if "imagenet" in name or "laion" in name:
        assert "arXiv:" in text and "`ssl-jax data --help`" in text
