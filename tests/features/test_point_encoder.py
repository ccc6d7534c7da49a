"""Point-MAE from a folder of meshes to features: a run, its table, its encoder in Python, for a dataset, for export."""

import itertools
import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import ssl_jax
from configs import presets
from ssl_jax import planning
from ssl_jax import step as steps
from ssl_jax.cli import main
from ssl_jax.config import build, recipes, schema
from ssl_jax.data import sources, stream
from ssl_jax.losses.chamfer import squared_chamfer
from ssl_jax.methods.point_mae import point_mae
from ssl_jax.nets import point_transformer
from ssl_jax.tasks import masks
from tests import meshes

SHARED = Path(__file__).parents[2] / "shared" / "data" / "furniture"
SMALL = {"encoder": dict(patches=4, points=4, width=16, layers=1, heads=2), "decoder": dict(points=4, width=16)}
CHANGES = [
    *(f"--config.nets.{role}.{name}={value}" for role, net in SMALL.items() for name, value in net.items()),
    *(
        "--config.nets.decoder.heads=2",
        "--config.nets.decoder.layers=1",
        "--config.batch=8",
        "--config.duration=3 steps",
    ),
    *(f"--config.{part}.0.size=24" for part in ("views", "clean")),
]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The folder of meshes, and a work directory of three steps on it; one mesh of each split is damaged."""
    root = tmp_path_factory.mktemp("run")
    data = meshes.folder(root / "boxes", 10)
    for split in ("train", "test"):
        (data / "flat" / split / "flat_1.off").write_text("OFF\n8 6 0\n0 0 0\n")
    flags = [f"--config.data.{split}=folder:{data}?split={split}" for split in ("train", "test")]
    work = root / "W"
    assert main.main(["train", "--config=point_mae_furniture", f"--workdir={work}", *flags, *CHANGES]) == 0
    return data, work


def test_the_table_has_a_shape_feature_in_the_place_of_pixels(run):
    result = json.loads((run[1] / "result.json").read_text())
    assert set(result["knn"]) == {"chance", "d2_histogram", "random_init", "pretrained"}
    assert result["knn"]["d2_histogram"] == result["linear"]["d2_histogram"] == 1.0  # flat and long boxes
    assert result["left_out"] == {"train": {"unreadable": 1}, "test": {"unreadable": 1}}


def test_embed_writes_a_row_for_each_mesh(run, tmp_path, capsys):
    data, work = run
    flags = ["embed", f"--workdir={work}", f"--data=folder:{data}?split=test", "--batch=2"]
    assert main.main([*flags, f"--out={tmp_path / 'f.npz'}"]) == 0
    assert "4 rows of folder:" in (said := capsys.readouterr().out)
    assert "1 of them unreadable (NaN, valid=False)" in said and "flat_1.off" in said
    with np.load(tmp_path / "f.npz") as file:
        assert file["features"].shape == (4, 32) and file["valid"].tolist() == [True, False, True, True]
        assert np.isfinite(file["features"][file["valid"]]).all() and file["labels"].tolist() == [0, 0, 1, 1]
    assert main.main(
        ["embed", f"--workdir={work}", "--data=embedded:fashion_mnist/test", f"--out={tmp_path / 'g.npz'}"]
    )
    assert "has no points; an example of it has image" in capsys.readouterr().err
    assert not (tmp_path / "g.npz.parts").exists()


def test_the_encoder_takes_clouds_in_python(run):
    encoder, clouds = ssl_jax.load(str(run[1])), np.random.default_rng(0).normal(size=(3, 50, 3))
    found = encoder.embed(clouds)["pool"]
    assert found.shape == (3, 32) and np.isfinite(found).all()
    np.testing.assert_allclose(encoder.embed(list(5 * clouds + 1))["pool"], found, atol=1e-4)
    assert encoder.embed([clouds[0], clouds[1][:9]])["pool"].shape == (2, 32)
    for wrong, sentence in (
        (clouds[0], "a cloud of points is .n, 3., and this one is float64 .3."),
        (clouds[..., :2], r"this one is float64 \[50, 2\]"),
        ([], "there are no clouds"),
        (clouds * np.nan, "not finite"),
        ("x.off", "a str is no batch of clouds"),
    ):
        with pytest.raises(ValueError, match=sentence):
            encoder.embed(wrong)


def test_an_export_is_refused_in_one_sentence(run, tmp_path, capsys):
    out = tmp_path / "encoder.npz"
    assert main.main(["export", f"--workdir={run[1]}", "--to=npz", f"--out={out}"]) == 2
    assert "the encoder takes points, and only encoders of images are exported so far" in capsys.readouterr().err
    assert not out.exists()


def test_a_plan_counts_its_step():
    config = schema.resolve(recipes.load("point_mae_shapenet55"))
    made = planning.program_of({**config, "batch": 2}, (41952, 55, 0), jax.devices()[:1])
    assert made.batch["global"].shape == (2, 1, 1024, 3)
    params = made.state.params
    assert 21e6 < sum(leaf.size for leaf in jax.tree.leaves(params["encoder"])) < 23e6  # 22.1 million in the paper


def test_the_loss_is_that_of_hidden_patches_by_loops(strict):
    """The network's own prediction against points that are taken of the clouds one by one."""
    size = dict(points=4, width=8, layers=1, heads=2, dtype="float64")
    encoder = point_transformer.point_transformer(patches=5, **size)
    decoder = point_transformer.point_decoder(**size)
    method, x = point_mae(encoder, decoder), np.random.default_rng(0).normal(size=(2, 1, 20, 3))
    batch, key = {"global": jnp.asarray(x), "index": jnp.arange(2)}, jax.random.key(1)
    params, state = method.init(jax.random.key(0), batch)
    value, _ = method.loss(params, state, batch, key, jnp.zeros((), jnp.int32))
    hidden = masks.random(jax.random.split(key, 3)[1], 2, 5, 2)
    stats = state["stats"]
    y, _ = encoder.apply(params["encoder"], stats["encoder"], x[:, 0], train=True, keep=hidden.keep)
    predicted, _ = decoder.apply(params["decoder"], stats["decoder"], y, train=True, keep=hidden.keep)
    total = 0.0
    for i, cloud in enumerate(x[:, 0]):
        chosen = [0]
        while len(chosen) < 5:
            chosen.append(int(np.argmax([min(((p - cloud[c]) ** 2).sum() for c in chosen) for p in cloud])))
        for place in np.asarray(hidden.hide[i]):
            center = cloud[chosen[place]]
            near = np.argsort(((cloud - center) ** 2).sum(1))[:4]
            apart = ((np.asarray(predicted[i, place]).reshape(4, 1, 3) - (cloud[near] - center)[None]) ** 2).sum(-1)
            total += apart.min(1).mean() + apart.min(0).mean()
    assert hidden.hide.shape == (2, 3)
    np.testing.assert_allclose(value, total / 6, rtol=1e-10)


@pytest.mark.slow
@pytest.mark.skipif(not SHARED.exists(), reason="the meshes of furniture are not there")
def test_it_learns_where_the_points_of_hidden_patches_are():
    """On real meshes it becomes better than any patch that is the same everywhere, which is what it first learns."""
    size = dict(points=16, width=96, heads=4)
    encoder = point_transformer.point_transformer(patches=16, layers=3, **size)
    method = point_mae(encoder, point_transformer.point_decoder(layers=2, **size))
    training = build.preprocess(presets.points(256), "device")
    data = stream.batches(sources.open(f"folder:{SHARED}?split=train"), training.host, batch=32, seed=0)
    batches = ({name: batch[name] for name in ("global", "index", "label")} for batch in data)
    key, first = jax.random.key(0), next(batches)
    optimizer = optax.adamw(optax.warmup_cosine_decay_schedule(0, 2e-3, 10, 200))
    step = jax.jit(steps.make_step(method, optimizer, training.device), donate_argnums=0)
    state, losses = jax.jit(lambda key, batch: steps.init(method, optimizer, key, batch))(key, first), []
    for batch in itertools.islice(batches, 200):
        state, metrics = step(state, batch, key)
        losses.append(float(metrics["loss"]))
    clouds = training.device(key, first)["global"][:, 0]
    there = encoder.apply(state.params["encoder"], state.method_state["stats"]["encoder"], clouds, train=False)[0]
    same = best_patch(there["patches"].reshape(-1, 16, 3))
    assert np.mean(losses[-20:]) < 0.9 * same, f"{np.mean(losses[-20:]):.4f}, and {same:.4f} by one patch for all"


def best_patch(patches) -> float:
    """The least distance of one patch to all."""
    rule = optax.adam(0.01)

    @jax.jit
    def better(patch, state):
        value, slope = jax.value_and_grad(lambda patch: squared_chamfer(patch[None], patches).mean())(patch)
        change, state = rule.update(slope, state)
        return value, patch + change, state

    patch = 0.2 * jax.random.normal(jax.random.key(1), (16, 3))
    state = rule.init(patch)
    for _ in range(300):
        value, patch, state = better(patch, state)
    return float(value)


def test_wrong_sizes_are_one_sentence():
    encoder = point_transformer.point_transformer(patches=5, points=4, width=8, layers=1, heads=2)
    decoder = point_transformer.point_decoder(points=6, width=8, layers=1, heads=2)
    batch = {"global": jnp.zeros((2, 1, 20, 3)), "index": jnp.arange(2)}
    with pytest.raises(
        ValueError, match="predicts 18 values a patch and the target has 12: give nets.decoder points=4"
    ):
        point_mae(encoder, decoder).init(jax.random.key(0), batch)
    with pytest.raises(ValueError, match="mask_ratio is 1.0; it must lie between 0 and 1"):
        point_mae(encoder, decoder, mask_ratio=1.0)
