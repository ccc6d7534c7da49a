"""benchmarks/learns_peer.py: what the peer is told, the table, and, where SSL_JAX_PEER names a Python with torch and
lightly, that its side has our losses, optimizers and networks.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from rich.console import Console

from benchmarks import learns_peer, learns_peer_time
from ssl_jax.config import build, durations, recipes, schema
from ssl_jax.criteria import centered, pairs, queued, swapped
from ssl_jax.optim import chain
from ssl_jax.types import Seen

PEER = os.environ.get("SSL_JAX_PEER")
with_torch = pytest.mark.skipif(not PEER, reason="SSL_JAX_PEER names no Python with torch, torchvision and lightly")
STEPS, B, D = 4, 16, 8


def resolved(name: str) -> dict:
    return schema.resolve(recipes.load(f"{name}_cifar10"))


def told(name: str, **changes) -> dict:
    """As the peer reads it."""
    return json.loads(json.dumps(learns_peer.specification({**resolved(name), **changes}, STEPS, 3)))


@pytest.mark.parametrize("name", learns_peer.NOTES)
def test_every_recipe_is_told_in_numbers(name):
    spec, config = told(name), resolved(name)
    assert spec["method"] == name and spec["seed"] == 3 and spec["batch"] == config["batch"]
    assert spec["rates"][0] == 0 and len(spec["rates"]) == STEPS
    assert spec["rates"][1] == pytest.approx(build.schedules.scale(config["lr"], config["batch"]) / 79)
    assert {name: len(values) for name, values in spec["schedules"].items()} == {
        key: STEPS for key in ("ema_decay", "teacher_temperature") if key in config["method"]
    }
    assert not set(spec["options"]) & set(spec["schedules"])
    assert [view["ops"][-1]["args"] for view in spec["views"]] == [spec["normalize"]] * len(spec["views"])
    assert list(spec["heads"]) == [role for role in ("projector", "predictor") if role in config["nets"]]
    blocks = [block for head in spec["heads"].values() for block in head["blocks"]]
    assert [block[0] for block in blocks] == [128, *(block[1] for block in blocks[:-1])]


def test_what_is_told_of_heads_views_and_groups():
    assert told("simsiam")["heads"] == {
        "projector": {
            "blocks": [[128, 512, "affine", False], [512, 512, "plain", False]], "activation": "relu", "last": None
        },
        "predictor": {
            "blocks": [[512, 128, "affine", False], [128, 512, "none", True]], "activation": "relu", "last": None
        },
    }  # fmt: skip
    dino = told("dino")
    assert dino["heads"]["projector"]["last"] == 1024 and dino["heads"]["projector"]["activation"] == "gelu"
    assert dino["frozen"] == {"projector.last_layer": 79} and told("swav")["frozen"] == {"prototypes": 79}
    assert [(view["group"], view["count"], view["size"]) for view in dino["views"]] == [
        ("global", 1, 32), ("global", 1, 32), ("local", 2, 18)
    ]  # fmt: skip
    crop = told("byol")["views"][0]["ops"][0]
    assert (
        crop["args"]["method"] == "bicubic" and crop["args"]["ratio"] == [3 / 4, 4 / 3] and crop["args"]["size"] == 32
    )
    assert told("vicreg")["optimizer"]["coefficient"] == 0.02 and told("moco_v2")["encoder"]["groups"] == 8


def test_what_the_peer_cannot_do_is_refused():
    config = resolved("simclr")
    for wrong, sentence in (
        (dict(optimizer={**config["optimizer"], "clip_global": 1.0}), "clip_global"),
        (dict(optimizer={**config["optimizer"], "weight_decay": dict(kind="cosine", start=0.1, end=0.2)}), "cosine"),
        (dict(optimizer={**config["optimizer"], "groups": (dict(match="encoder", multiple=0.1),)}), "encoder"),
        (dict(nets={**config["nets"], "encoder": {**config["nets"]["encoder"], "name": "vit"}}), "vit"),
        (dict(nets={**config["nets"], "projector": dict(name="simclr_projector", widths=(8, 8))}), "scale alone"),
        (dict(nets={**config["nets"], "projector": dict(name="dino_head", out=8, layers=2)}), "three layers"),
    ):
        with pytest.raises(ValueError, match=sentence):
            told("simclr", **wrong)


def test_a_finished_run_is_read_and_not_made_again(tmp_path):
    spec, options = told("simclr"), argparse.Namespace(work=tmp_path, peer="/no/python")
    (tmp_path / "images-aaaaaaaa-bbbbbbbb.npz").touch()
    seen = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(learns_peer, "pictures", lambda config, work: seen.append(work) or "images.npz")
        with pytest.raises(OSError):
            learns_peer.run("simclr_cifar10", spec, {}, options)
        (place,) = (path for path in tmp_path.iterdir() if path.is_dir())
        assert place.name.startswith("peer-simclr_cifar10-") and place.name.endswith("-3") and len(seen) == 1
        assert json.loads((place / "spec.json").read_text()) == spec
        (place / "result.json").write_text('{"knn": 0.5}')
        assert learns_peer.run("simclr_cifar10", spec, {}, options) == {"knn": 0.5} and len(seen) == 1


def row(ours: tuple, peer: tuple) -> dict:
    """(mean, std) of both scores."""
    sides = [{score: {"mean": m, "std": s} for score in learns_peer.SCORES} for m, s in (ours, peer)]
    for side, seconds in zip(sides, (99.0, 140.0), strict=True):
        side["seconds"] = {"mean": seconds, "std": None}
    return {"method": "simclr", "steps": 625, "ours": sides[0], "peer": sides[1]}


@pytest.mark.parametrize(
    ("ours", "peer", "said"),
    [
        ((0.45, 0.002), (0.44, 0.004), "ahead"),
        ((0.44, 0.002), (0.45, 0.004), "behind"),
        ((0.44, 0.005), (0.45, 0.006), "equal"),
        ((0.44, None), (0.45, None), "one seed"),
    ],
)
def test_the_table_says_who_is_ahead_beyond_the_spread(ours, peer, said):
    assert learns_peer.verdict(row(ours, peer), "knn") == (pytest.approx(ours[0] - peer[0]), said)
    with Console(width=160, record=True, file=open(os.devnull, "w")) as console:
        console.print(learns_peer.table([row(ours, peer)]))
    text = console.export_text()
    assert text.count(said) == 2 and f"{100 * (ours[0] - peer[0]):+.1f} {said}" in text and "99, 140" in text


def test_a_python_that_cannot_be_the_peer_is_named():
    assert "does not run" in learns_peer.lacking("/no/python")
    assert "lightly" in learns_peer.lacking(sys.executable)


def test_a_step_takes_the_median_of_stretches_that_begin_after_the_first():
    assert learns_peer_time.a_step([30.0, 31.0, 32.0, 35.0]) == pytest.approx(0.1)  # compiled in 30 s, once held up


CRITERIA = {
    "simclr": pairs.nt_xent(temperature=0.2),
    "dcl": pairs.decoupled(temperature=0.2),
    "barlow_twins": pairs.barlow(off_diagonal=0.005),
    "vicreg": pairs.vicreg(),
    "byol": pairs.byol(),
    "simsiam": pairs.simsiam(),
    "moco_v2": queued.queued(size=B, temperature=0.1),
    "swav": swapped.swapped(prototypes=D, temperature=0.1, epsilon=0.03),
    "dino": centered.centered(teacher_temperature=lambda step: jnp.float32(0.04)),
}
VIEWS = {"moco_v2": (1, 1), "swav": (4, 2), "dino": (4, 2)}
OPTIMIZERS = ("simclr", "vicreg")
ENCODERS = ("simclr", "moco_v2")
RATES = (0.0, 0.3, 0.2, 0.1)


@pytest.fixture(scope="module")
def both(tmp_path_factory) -> dict:
    """{name: (ours, the peer's)}."""
    folder, draw = tmp_path_factory.mktemp("peer"), np.random.default_rng(0)
    normal = lambda *shape: draw.normal(size=shape).astype(np.float32)  # noqa: E731
    made = {"losses": all_losses(normal), "optimizers": all_optimizers(normal), "encoders": all_encoders(normal)}
    given = {name: a for _, arrays, _ in made.values() for name, a in arrays.items()}
    ours = {name: a for _, _, found in made.values() for name, a in found.items()}
    (folder / "specs.json").write_text(json.dumps({kind: specs for kind, (specs, _, _) in made.items()}))
    np.savez(folder / "given.npz", **given)
    in_peer(Path(__file__).with_name("peer_checks.py"), folder)
    with np.load(folder / "found.npz") as found:
        assert set(found.files) == set(ours)
        return {name: (ours[name], found[name]) for name in ours}


def all_losses(normal) -> tuple[dict, dict, dict]:
    """(what the peer is told, given arrays, ours)."""
    specs, given, ours = {}, {}, {}
    for name, criterion in CRITERIA.items():
        specs[name], (v, w) = told(name), VIEWS.get(name, (2, 2))
        specs[name]["heads"]["projector"] = {"blocks": [[1, D, "none", True]], "last": None}
        specs[name]["options"] |= {"queue": B} if name == "moco_v2" else {}
        batches = [{"student": normal(B, v, D), "teacher": normal(B, w, D)} for _ in range(2)]
        given |= {f"losses/{name}/{i}/{side}": a for i, batch in enumerate(batches) for side, a in batch.items()}
        ours |= {f"{name}/{what}": a for what, a in losses(criterion, batches).items()}
    return specs, given, ours


def all_optimizers(normal) -> tuple[dict, dict, dict]:
    """As `all_losses`."""
    start = {"kernel": normal(6, 5), "bias": normal(5)}
    gradients = [{"kernel": normal(6, 5), "bias": normal(5)} for _ in RATES]
    given = {f"start/{k}": a for k, a in start.items()}
    given |= {f"gradients/{i}/{k}": a for i, step in enumerate(gradients) for k, a in step.items()}
    specs = {name: {**told(name), "rates": RATES} for name in OPTIMIZERS}
    made = {name: descent(resolved(name)["optimizer"], start, gradients) for name in OPTIMIZERS}
    return specs, given, {f"{name}/{k}": a for name, params in made.items() for k, a in params.items()}


def all_encoders(normal) -> tuple[dict, dict, dict]:
    """As `all_losses`."""
    specs, given, ours, images = {}, {}, {}, normal(B, 32, 32, 3)
    for name in ENCODERS:
        net, specs[name] = build.nets_of(resolved(name), {})["encoder"], told(name)["encoder"]
        params, stats = net.init(jax.random.key(0), jnp.asarray(images))
        params = jax.tree.map(lambda a: jnp.asarray(normal(*a.shape) * (a.size / a.shape[-1]) ** -0.5), params)
        given |= {f"weights/{name}/{i}": in_torch(a) for i, a in enumerate(in_order(params))}
        order = np.arange(B).reshape(specs[name]["groups"], -1).T.ravel()  # the peer's groups are every so many rows
        given[f"images/{name}"] = images[order]
        train, stats = net.apply(params, stats, images, train=True)
        after, _ = net.apply(params, stats, images, train=False)
        ours |= {f"{name}/{mode}": np.asarray(y["pool"])[order] for mode, y in (("train", train), ("eval", after))}
    return specs, given, ours


def losses(criterion, batches: list[dict]) -> dict:
    """The value and the gradient for the last batch."""
    key = jax.random.key(0)
    seens = [Seen(batch["student"], batch["teacher"], {}, jnp.int32(0), key) for batch in batches]
    params, state = criterion.init(key, seens[0])
    params = {name: jnp.eye(D) for name in params}  # prototypes that hand on the features
    for seen in seens[:-1]:
        state = criterion.update(state, seen)
    found = jax.value_and_grad(lambda z: criterion.loss(params, state, seens[-1]._replace(student=z))[0])
    return dict(zip(("value", "gradient"), found(jnp.asarray(batches[-1]["student"])), strict=True))


def descent(given: dict, start: dict, gradients: list[dict]) -> dict:
    """Parameters after all steps."""
    clock = durations.Clock(100, 10, len(RATES))
    optimizer = chain.make(lr=lambda step: jnp.asarray(RATES)[step], clock=clock, **given)
    params = jax.tree.map(jnp.asarray, start)
    state = optimizer.init(params)
    for gradient in gradients:
        updates, state = optimizer.update(jax.tree.map(jnp.asarray, gradient), state, params)
        params = optax.apply_updates(params, updates)
    return params


def in_order(params: dict) -> list:
    """As torch's modules list them."""
    norm = lambda part: [part["scale"], part["bias"]]  # noqa: E731
    found = [params["stem"]["conv"]["kernel"], *norm(params["stem"]["norm"])]
    for block in (params[f"stage{i}"]["block0"] for i in (1, 2, 3)):
        for i in (1, 2):
            found += [block[f"conv{i}"]["kernel"], *norm(block[f"norm{i}"])]
        found += [block["shortcut_conv"]["kernel"], *norm(block["shortcut_norm"])] if "shortcut_conv" in block else []
    return found


def in_torch(a) -> np.ndarray:
    return np.asarray(a).transpose(3, 2, 0, 1) if a.ndim == 4 else np.asarray(a)


@with_torch
@pytest.mark.parametrize("name", CRITERIA)
def test_losses_are_the_same(both, name):
    (value, peer), times, plus = both[f"{name}/value"], *((4, 4) if name == "byol" else (1, 0))
    assert value == pytest.approx(times * peer + plus, rel=1e-5)
    gradient, peer = both[f"{name}/gradient"]
    assert np.abs(gradient).max() > 1e-4
    np.testing.assert_allclose(gradient, times * peer, rtol=1e-3, atol=1e-6 + 1e-5 * np.abs(gradient).max())


@with_torch
@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("what", ["kernel", "bias"])
def test_optimizers_are_the_same(both, name, what):
    np.testing.assert_allclose(*both[f"{name}/{what}"], rtol=1e-4, atol=1e-5)


@with_torch
@pytest.mark.parametrize("name", ENCODERS)
@pytest.mark.parametrize("mode", ["train", "eval"])
def test_encoders_are_the_same(both, name, mode):
    np.testing.assert_allclose(*both[f"{name}/{mode}"], rtol=1e-3, atol=1e-4)


@with_torch
def test_every_method_trains_and_writes_features(tmp_path):
    draw = np.random.default_rng(0)
    images = {part: draw.integers(0, 256, (n, 32, 32, 3), np.uint8) for part, n in (("train", 200), ("test", 50))}
    np.savez(tmp_path / "images.npz", **images)
    for name in learns_peer.NOTES:
        (tmp_path / name).write_text(json.dumps(told(name, batch=16)))
    program = "import sys, learns_peer_torch as peer\nfor x in sys.argv[2:]: peer.main(x, sys.argv[1], x + '.npz')"
    in_peer("-c", program, tmp_path / "images.npz", *(tmp_path / name for name in learns_peer.NOTES))
    for name in learns_peer.NOTES:
        with np.load(tmp_path / f"{name}.npz") as found:
            assert found["train"].shape == (200, 128) and found["test"].shape == (50, 128), name
            assert np.isfinite(found["train"]).all() and found["train"].std(0).max() > 1e-4, name
            assert (np.diff(found["moments"], prepend=0) > 0).all() and found["moments"][-1] == found["seconds"], name
            assert np.isfinite(found["loss"]), name
            assert "lightly" in json.loads(str(found["versions"]))


def in_peer(*command) -> None:
    """Runs a program in the peer's Python."""
    environment = {**os.environ, "PYTHONPATH": str(learns_peer.SCRIPT.parent)}
    subprocess.run([PEER, *command], check=True, timeout=600, env=environment)
