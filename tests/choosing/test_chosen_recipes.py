"""Facts -> recipes: each is one that the schema and the shapes of a step take."""

import functools
import math
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from ssl_jax.choosing import measured, recipe, reserve, spans, tables
from ssl_jax.choosing.facts import Facts, Machine
from ssl_jax.choosing.recipe import Request
from ssl_jax.config import build, dry_run, schema
from ssl_jax.config.durations import Clock
from ssl_jax.run.job import Every

CPU, GPU, TPU = Machine("cpu", 1, 2**33), Machine("gpu", 2, 2**36), Machine("tpu", 4, 2**34)


def facts(side: int = 32, channels: int = 3, examples: int = 40) -> Facts:
    mean = tuple(0.1 * (k % 9 + 1) for k in range(channels))
    return Facts("folder:x", examples, side, channels, 8, 0, mean, mean, examples, 0)


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """{channels: a folder of 40 images of 40 x 48 pixels}."""
    root, generator = tmp_path_factory.mktemp("photos"), np.random.default_rng(0)
    for channels in (1, 3, 4):
        (root / str(channels)).mkdir()
        for k in range(40):
            pixels = generator.integers(0, 256, (40, 48, channels), np.uint8)
            Image.fromarray(pixels[..., 0] if channels == 1 else pixels).save(root / str(channels) / f"{k}.png")
    return root


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("method", tables.METHODS)
def test_a_step_of_every_method_can_be_made_of_any_images(method, channels, photos):
    request = Request(f"folder:{photos / str(channels)}", method=method)
    config, _ = recipe.make(facts(40, channels), CPU, request)
    full = schema.resolve(config)
    normalized = [op["args"] for view in full["views"] for op in view["ops"] if op["name"] == "normalize"]
    assert normalized and all(len(args["mean"]) == channels for args in normalized)
    job = build.job(full)
    dry_run.check(job.method, job.optimizer, job.training, job.clean, job.shapes, job.train.parts)
    assert job.clock.batch == 16


@pytest.mark.parametrize("machine", [CPU, GPU, TPU], ids=lambda machine: machine.platform)
@pytest.mark.parametrize("side", [20, 60, 130, 400])
@pytest.mark.parametrize("method", tables.METHODS)
def test_sizes_fit_each_other(method, side, machine):
    config = schema.resolve(recipe.make(facts(side, examples=70_000), machine, Request("folder:x", method=method))[0])
    pixels, patch = tables.size(side, machine.platform), tables.patch(config["nets"]["encoder"])
    sizes = {view["size"] for view in config["views"]}
    assert max(sizes) == pixels and all(size % patch == 0 for size in sizes)
    assert config["batch"] == tables.BATCHES[machine.platform] * machine.devices
    for part in (config["method"], *config["nets"].values()):
        assert part.get("patch", patch) == patch
    queue = config["method"].get("queue") or 0
    assert queue % config["batch"] == 0 and queue <= 35_000


@pytest.mark.parametrize("net", tables.nets())
def test_every_network_that_is_named_can_be_built(net):
    pixels = 112 if net.endswith("_14") else 96
    schema.net_of("encoder", tables.encoder(net, pixels))
    config, _ = recipe.make(facts(400)._replace(side=400), CPU, Request("folder:x", net="resnet18"))
    assert schema.resolve({**config, "nets": {**config["nets"], "encoder": tables.encoder(net, pixels)}})


def test_a_test_set_is_held_out_of_images_with_labels():
    def data(request=Request("folder:x"), examples=700, classes=10):
        config, said = recipe.make(facts(examples=examples)._replace(classes=classes), CPU, request)
        told = [(choice.value, choice.why) for choice in said if choice.what == "test set"]
        return config["data"]["train"], config["data"]["test"], *told, config["duration"]

    held = ("20 % held out", "of each class, for the table at the end; --test=none trains on all")
    assert data() == ("rest:0.2*folder:x", "held:0.2*folder:x", held, "1143 epochs")  # of 560 images
    assert data(examples=70_000)[:2] == ("rest:0.0714*folder:x", "held:0.0714*folder:x")  # 5,000 on a CPU
    assert data(examples=20_000)[2][0] == "10 % held out"
    assert data(classes=0)[:2] == ("folder:x", "") and len(data(classes=0)) == 3
    assert "7 images a class" not in data(classes=100)[2][1]
    assert data(classes=200)[2] == ("none", "3.5 images a class are too few to hold some out: --test=0.2 does")
    assert data(Request("mix:1*folder:x", "", ""))[2][0] == "none"
    assert data(Request("folder:x", "none"))[:3] == ("folder:x", "", ("none", "you said --test=none"))
    assert data(Request("folder:x", "folder:y"))[:3] == ("folder:x", "folder:y", ("folder:y", "you named it"))
    assert data(Request("folder:x", "0.25"))[:2] == ("rest:0.25*folder:x", "held:0.25*folder:x")


def test_a_transformer_is_not_trained_by_lars():
    config, _ = recipe.make(facts(400, examples=70_000), GPU, Request("folder:x", method="simclr", net="vit_small_16"))
    assert config["optimizer"]["name"] == "adamw" and config["lr"]["peak"] == 1.5e-4
    config, _ = recipe.make(facts(400, examples=70_000), GPU, Request("folder:x", method="simclr"))
    assert config["optimizer"]["name"] == "lars_rate_then_momentum" and config["nets"]["encoder"]["depth"] == 50


def test_a_smaller_batch_has_a_smaller_rate():
    config, _ = recipe.make(facts(examples=10_000), CPU, Request("folder:x", method="moco_v2"))
    assert config["batch"] == 128 and config["lr"]["peak"] == 3e-3
    half = recipe.batched(config, 64)
    assert half["lr"]["peak"] == pytest.approx(3e-3 / math.sqrt(2), rel=1e-3) and half["method"]["queue"] == 4096
    linear = recipe.make(facts(examples=10_000), CPU, Request("folder:x", method="vicreg"))[0]
    assert recipe.batched(linear, 64)["lr"] == linear["lr"]  # `per` says it


@pytest.mark.parametrize(
    "request_, sentence",
    [
        (Request("x", method="simcrl"), "did you mean simclr"),
        (Request("x", method="clip"), "`ssl-jax methods` lists the recipes"),
        (Request("x", net="resnet51"), "resnet50"),
        (Request("x", net="vit_small_14"), "--net=vit_small_14 has patches of 14 pixels, which do not divide"),
        (Request("x", method="mae", net="resnet18"), "--net=resnet18 has no patches, and mae hides some"),
        (Request("x", test="1.5"), "--test=1.5: the share to hold out is a number between 0 and 1, as 0.2"),
        (Request("x", test="20%"), "--test=20%: the share to hold out is a number between 0 and 1"),
        (Request("x", test="0.2"), "--test=0.2: folder:x has no labels of two or more classes to hold out"),
    ],
)
def test_what_cannot_be_is_a_sentence(request_, sentence):
    with pytest.raises(ValueError, match=sentence):
        recipe.make(facts(), CPU, request_)


@pytest.mark.parametrize("text, seconds", [("90s", 90), ("2h", 7200), ("1h30m", 5400), ("1.5h", 5400), ("3d", 259200)])
def test_spans_of_time(text, seconds):
    assert spans.seconds(text) == seconds
    assert spans.seconds(spans.text(seconds)) == seconds


@pytest.mark.parametrize("text", ["", "2", "h", "2 weeks", "0h", "-3m", "3m2h"])
def test_what_is_no_span_is_a_sentence(text):
    with pytest.raises(ValueError, match="is no span of time: write 90s, 5m"):
        spans.seconds(text)


def test_a_time_becomes_steps_or_a_sentence():
    steps, choice = measured.duration(600, 140, 0.1, lambda steps: 60)
    assert steps == f"{int(measured.SHARE * 400 / 0.1)} steps" and "0.1 s" in choice.why and "1m are for" in choice.why
    with pytest.raises(ValueError, match="--time=2m is too short here: .* takes 115 s, .*: give 3m or more"):
        measured.duration(120, 115, 1, lambda steps: 20)
    job = SimpleNamespace(clock=Clock(500, 50, 5000), every=Every("", "", "100 steps"))
    rest = functools.partial(reserve.Reserve(2.0, 10.0, {}).of, job)
    assert [rest(steps) for steps in (20, 100, 101, 1000)] == [10, 10, 12, 28]
    steps = int(measured.duration(600, 140, 0.1, rest)[0].split()[0])
    assert rest(steps) + steps * 0.1 / measured.SHARE <= 460 < rest(steps + 1) + (steps + 1) * 0.1 / measured.SHARE
    tenths = SimpleNamespace(clock=job.clock, every=Every("", "", "20 %"))
    assert reserve.Reserve(2.0, 10.0, {}).of(tenths, 777) == 18  # none at the end
    assert reserve.Reserve(2.0, 10.0, {}).of(SimpleNamespace(clock=job.clock, every=Every("", "", "never")), 777) == 10


def test_a_batch_that_does_not_fit_is_halved(photos, monkeypatch):
    eight = CPU._replace(devices=8, memory=100)  # as these tests have them
    config, _ = recipe.make(facts(40), eight, Request(f"folder:{photos}/3"))
    told, needs = [], {16: 300, 8: 90}
    monkeypatch.setattr(measured, "memory", lambda program: needs[program.batch["index"].shape[0]])
    fitted, job, _, (batch, memory), _ = measured.fitted(config, {}, eight, told.append)
    assert fitted["batch"] == job.clock.batch == 8 and len(told) == 1 and memory.what == "memory"
    assert batch == ("batch", "8", "16 do not fit into the memory")
    assert fitted["lr"]["peak"] < config["lr"]["peak"]
    kept, _, _, (batch, _), _ = measured.fitted(config, {"batch": "16"}, eight, told.append)
    assert kept["batch"] == 16 and len(told) == 1  # the command line counts more
    assert batch == ("batch", "16", "you said --config.batch")
    *_, (batch, _), _ = measured.fitted(config, {}, eight._replace(memory=0), told.append)
    assert batch == ("batch", "16", "half of 40 images at most")
    with pytest.raises(ValueError, match="a step of 8 images needs .* take a smaller network with --net"):
        measured.fitted(config, {}, eight._replace(memory=10), told.append)
