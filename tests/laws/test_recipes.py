"""Every recipe builds and its step lowers at full size; no data is read and nothing is compiled."""

import jax
import pytest

from ssl_jax import build, durations, recipes, schema
from ssl_jax.data.parts import assumed
from ssl_jax.shard import mesh, program

SIZES = {"imagenet": (1281167, 1000, 3), "cifar10": (10000, 10, 3), "quickstart": (10000, 10, 1)}
SIZES |= {"moving": (10000, 10, 1), "videos": (500, 4, 3), "kinetics": (240_000, 400, 3)}


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=pytest.mark.slow if "imagenet" in n or "kinetics" in n else ()) for n in recipes.names()],
)
def test_the_step_lowers(name):
    config = schema.resolve(recipes.load(name))
    examples, classes, channels = next(size for key, size in SIZES.items() if key in name)
    clock = durations.run(config["duration"], examples=examples, batch=config["batch"])
    method, optimizer = build.method_and_optimizer(config, clock, classes)
    training, clean = (build.preprocess(config[key], config["photometric"]) for key in ("views", "clean"))
    shapes = build.shapes(training, config["batch"], assumed({view.of for view in training.views}, channels))
    place = mesh.make(1, 1, devices=jax.devices()[:1])
    made = program.build(method, optimizer, training.device, clean.device, shapes, place, inputs=clean.inputs)
    key = jax.eval_shape(lambda: jax.random.key(0))
    text = made.step.lower(made.state, made.batch, key).as_text()
    assert "callback" not in text
    size, of = config["clean"][0]["size"], clean.views[0].of
    shape = (size, size) if of == "image" else (size[0], size[1], size[1])
    shown = {"clean": jax.ShapeDtypeStruct((2, 1, *shape, channels), "uint8")}
    assert "pool" in jax.eval_shape(made.embed, made.state.params, made.state.method_state, shown)


@pytest.mark.parametrize("name", recipes.names())
def test_the_docstring_says_how_to_run_it(name):
    text = (recipes.folder() / f"{name}.py").read_text()
    assert f"--config={name}" in text
    if "imagenet" in name:
        assert "arXiv:" in text and "`ssl-jax data --help`" in text
