"""A job on shapes: what cannot be computed is a sentence with the part it comes from, and takes no memory."""

import jax
import jax.numpy as jnp
import pytest

from ssl_jax.config import build, dry_run, durations, recipes, schema
from ssl_jax.data.parts import Image


def check(name: str, changes: dict, *, channels: int = 1, replace=lambda method: method) -> None:
    config = schema.changed(recipes.load(name), changes)
    clock = durations.run(config["duration"], examples=10000, batch=config["batch"])
    method, optimizer = build.method_and_optimizer(config, clock, 10)
    training, clean = (build.preprocess(config[part], config["photometric"]) for part in ("views", "clean"))
    parts = {"image": Image(channels)}
    shapes = build.shapes(training, config["batch"], parts)
    dry_run.check(replace(method), optimizer, training, clean, shapes, parts)


def test_a_batch_larger_than_any_memory_is_only_a_shape():
    """Its views would take 2^28 x 2 x 24 x 24 bytes as integers, 288 GiB, and four times that as floats."""
    seen, here = [], len(jax.live_arrays())

    def watched(method):
        def loss(params, state, batch, key, step):
            seen.append(batch["global"])
            return method.loss(params, state, batch, key, step)

        return method._replace(loss=loss)

    check("quickstart", {"batch": str(2**28)}, replace=watched)
    assert [batch.shape for batch in seen] == [(2**28, 2, 24, 24, 1)]
    assert all(isinstance(batch, jax.core.Tracer) for batch in seen)
    assert len(jax.live_arrays()) <= here


LOCAL = "{'group': 'local', 'count': 2, 'size': 16, 'ops': ({'name': 'random_resized_crop'},)}"


@pytest.mark.parametrize(
    "name, changes, channels, sentence",
    [
        (
            "quickstart",
            {"batch": "1"},
            1,
            "at least 2 examples in a batch, got 1; raise the batch size",
        ),
        ("quickstart", {"views.0.count": "1"}, 1, "config.views do not fit .*at least 2 views of an image, got 1"),
        (
            "moco_v2_cifar10",
            {"views.0.count": "3"},
            3,
            "with one of the teacher's, got 2 and 1; set the views' count to 2",
        ),
        (
            "swav_cifar10",
            {"batch": "1", "method.queue": "0"},
            3,
            "this loss needs at least 2 examples in a batch, got 1",
        ),
        ("mae_cifar10", {"views.0.group": "local"}, 3, "wants views of group 'global', the recipe makes only"),
        ("mae_cifar10", {"nets.decoder.channels": "12"}, 3, "give nets.decoder patch=4 and channels=3"),
        ("mae_cifar10", {"nets.decoder.patch": "8"}, 3, "predicts 192 values a patch and the target has 48"),
        (
            "quickstart",
            {"optimizer.groups": "({'match': 'bias', 'unit_norm': 3},)"},
            1,
            "optimizer: unit_norm is 3",
        ),
        ("quickstart", {"clean.0.ops": "({'name': 'flip'},)"}, 1, "config.clean cannot be evaluated: views of group"),
    ],
)
def test_what_cannot_be_computed_is_said_with_its_part(name, changes, channels, sentence):
    with pytest.raises(ValueError, match=sentence):
        check(name, changes, channels=channels)


def test_a_group_that_nobody_looks_at_is_refused():
    view = recipes.load("quickstart")["views"][0]
    config = {**recipes.load("quickstart"), "views": (view, {**view, "group": "third"})}
    full = schema.resolve(config)
    clock = durations.run(full["duration"], examples=10000, batch=full["batch"])
    method, optimizer = build.method_and_optimizer(full, clock, 10)
    training, clean = (build.preprocess(full[part], "device") for part in ("views", "clean"))
    with pytest.raises(ValueError, match="never looks at views of group 'third'; take them out"):
        shapes = build.shapes(training, full["batch"], {"image": Image(1)})
        dry_run.check(method, optimizer, training, clean, shapes, {"image": Image(1)})


def test_an_error_of_another_kind_keeps_its_name_and_its_cause():
    def broken(method):
        return method._replace(loss=lambda *arguments: jnp.zeros((3,)) + jnp.zeros((4,)))

    with pytest.raises(ValueError, match="config.nets and config.views do not fit .*TypeError") as caught:
        check("quickstart", {}, replace=broken)
    assert isinstance(caught.value.__cause__, TypeError) and "\n" not in str(caught.value)


def test_nothing_runs_on_a_device(monkeypatch):
    compiled, compiler = [], jax._src.compiler.compile_or_get_cached

    def counted(*arguments, **options):
        compiled.append(arguments)
        return compiler(*arguments, **options)

    monkeypatch.setattr(jax._src.compiler, "compile_or_get_cached", counted)
    check("quickstart", {})
    assert compiled == []
    assert jax.jit(lambda x: x + 1)(1) == 2 and len(compiled) > 0, "whatever runs is compiled where this test looks"
