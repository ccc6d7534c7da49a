"""Weights of other libraries begin a run: same features, every array accounted for, student and teacher alike."""

import json
import pathlib
import re
import subprocess

import jax
import numpy as np
import pytest

from ssl_jax.cli import main
from ssl_jax.exporting import adapting, export, geometry, layouts, names
from ssl_jax.features import encoder as encoders
from ssl_jax.nets.positions import sincos
from tests.cli.test_main import run
from tests.exporting.drawn import FIXED, INTEROP, LEARNED, drawn, interop
from tests.exporting.drawn import VIT as VITS

SMALL = {"nets.encoder.depth": "(1, 1)", "nets.encoder.base": "4", "nets.projector.widths": "(8, 8)"}
DATA = {"data.train": "embedded:fashion_mnist/train", "data.test": ""}
NORMALIZED = ("views.0.ops.3", "clean.0.ops.2")
"""Where quickstart has the mean of a single channel."""


def flags(changes: dict) -> list[str]:
    return [f"--config.{key}={value}" for key, value in changes.items()]


def brought(form, path, recipe, workdir, changes, *more) -> int:
    return main.main(
        ["import", f"--from={form}", str(path), f"--config={recipe}", f"--workdir={workdir}", *more, *flags(changes)]
    )


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A file of a small gray ResNet, and its encoder."""
    encoder = drawn("quickstart", channels=1, **{k.replace(".", "__"): v for k, v in SMALL.items()})
    path = tmp_path_factory.mktemp("weights") / "a.safetensors"
    export.written(encoder, "safetensors", str(path), verify=False)
    return path, encoder


def test_a_run_begins_with_them_and_goes_on(weights, tmp_path, capsys):
    path, encoder = weights
    assert brought("ssl_jax", path, "quickstart", tmp_path / "run", SMALL | {"duration": "2 steps"}) == 0
    assert "arrays of" in capsys.readouterr().out
    jax.tree.map(np.testing.assert_array_equal, encoders.load(str(tmp_path / "run")).params, encoder.params)
    workdir, more = tmp_path / "run", ["--config.duration=2 steps", "--config.evaluation.every=never"]
    done = run("train", f"--config={workdir / 'config.json'}", f"--workdir={workdir}", *more)
    assert done.returncode == 0, done.stderr
    steps = [json.loads(line)["step"] for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert steps == [1, 2]
    assert brought("ssl_jax", path, "quickstart", tmp_path / "run", SMALL) == 2
    assert "has checkpoints already, of step 2" in capsys.readouterr().err


def test_student_and_teacher_get_them(weights, tmp_path):
    path, encoder = weights
    changes = {**SMALL, **DATA, "nets.predictor.widths": "(8, 8)", "batch": "8"}
    changes |= {"clean.0.ops.2.args.mean": "(0.5,)", "clean.0.ops.2.args.std": "(0.5,)"}
    recipe = tmp_path / "byol.py"
    recipe.write_text(BYOL)
    assert brought("ssl_jax", path, recipe, tmp_path / "run", {}) == 0
    for which in ("student", "teacher"):
        loaded = encoders.load(str(tmp_path / "run"), which=which)
        jax.tree.map(np.testing.assert_array_equal, loaded.params, encoder.params)
        jax.tree.map(np.testing.assert_array_equal, loaded.stats, encoder.stats)
    column = dict(raw_pixels=0.1, random_init=0.2, pretrained=0.3)
    (tmp_path / "run" / "result.json").write_text(json.dumps(dict(step=0, knn=column)))
    evaluated = encoders.load(str(tmp_path / "run")).which
    for which in ("student", "teacher"):
        export.export(str(tmp_path / "run"), "npz", str(tmp_path / f"{which}.npz"), which=which, verify=False)
        card = (tmp_path / f"{which}.md").read_text()
        assert ("| knn | 10.0 | 20.0 | 30.0 |" in card) == (which == evaluated), "accuracies of the other encoder"


BYOL = """
from ssl_jax.configs import quickstart

def get_config():
    c = quickstart.get_config()
    c.batch = 8
    c.method = dict(name="byol", ema_decay=0.99)
    mlp = dict(name="mlp", widths=(8, 8))
    encoder = dict(name="resnet", depth=(1, 1), base=4, stem="half")
    c.nets = dict(encoder=encoder, projector=mlp, predictor=dict(mlp))
    return c
"""


@pytest.mark.parametrize(
    ("more", "changes", "sentence"),
    [
        (["--from=timn"], {}, "no 'timn' in the formats that can be imported; did you mean timm"),
        (["--from=timm"], {}, "the weights are not those of the recipe's network; "),
        (["--from=ssl_jax", "--adapt=pach"], {}, "no 'pach' in what --adapt can adapt; did you mean patch"),
        (["--from=ssl_jax", "--prefix=net."], {}, "no array in .* begins with 'net.'; there are "),
        (["--from=ssl_jax"], {"nets.encoder.depth": "(1,)"}, r"without use: stage2/block0/conv1/kernel"),
        (
            ["--from=ssl_jax"],
            {"nets.encoder.base": "8"},
            r"is \[3, 3, 4, 4\], and the recipe's network wants \[3, 3, 8, 8\]",
        ),
    ],
)
def test_what_does_not_fit_is_one_sentence_and_leaves_nothing(weights, tmp_path, capsys, more, changes, sentence):
    given = [f for f in more if not f.startswith("--from")]
    form = next(f for f in more if f.startswith("--from")).removeprefix("--from=")
    assert brought(form, weights[0], "quickstart", tmp_path / "run", SMALL | changes, *given) == 2
    assert re.search(sentence, capsys.readouterr().err)
    assert not (tmp_path / "run" / "config.json").exists()


def test_a_file_that_is_damaged_or_dangerous_is_refused(weights, tmp_path, capsys):
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(weights[0].read_bytes()[:-10])
    assert brought("ssl_jax", cut, "quickstart", tmp_path / "run", SMALL) == 2
    assert "cut.safetensors is damaged or no safetensors file" in capsys.readouterr().err
    evil = tmp_path / "evil.pkl"
    evil.write_bytes(b"cos\nsystem\n(S'touch /tmp/ssl_jax_evil'\ntR.")
    assert brought("detectron2", evil, "quickstart", tmp_path / "run", SMALL) == 2
    assert "is no pickle of arrays under 'model': it holds a os.system" in capsys.readouterr().err
    assert not pathlib.Path("/tmp/ssl_jax_evil").exists()


@pytest.mark.parametrize("old", range(1, 14))
@pytest.mark.parametrize("dtype, tolerance", [(np.float64, 1e-12), (np.float32, 1e-5)])
def test_adapted_channels_give_gray_images_the_same(old, dtype, tolerance):
    rng = np.random.default_rng(old)
    kernel, patch = rng.normal(size=(3, 3, old, 4)).astype(dtype), rng.normal(size=(3, 3, 1))
    before = np.einsum("hwc,hwcd->d", np.repeat(patch, old, 2), kernel)
    for new in range(1, 14):
        adapted = adapting.other_channels(kernel, (3, 3, new, 4))
        assert adapted.shape == (3, 3, new, 4) and adapted.dtype == dtype
        after = np.einsum("hwc,hwcd->d", np.repeat(patch, new, 2), adapted)
        np.testing.assert_allclose(after, before, rtol=tolerance, atol=tolerance)


def test_adapted_channels_are_the_old_ones_in_turn():
    kernel = np.arange(1.0, 4).reshape(1, 1, 3, 1)
    five, two = (adapting.other_channels(kernel, (1, 1, new, 1)).ravel() for new in (5, 2))
    np.testing.assert_array_equal(five, [1 / 2, 2 / 2, 3, 1 / 2, 2 / 2])
    np.testing.assert_array_equal(two, [1 + 3, 2])


def test_a_run_of_other_channels_begins_with_adapted_weights(weights, tmp_path, capsys):
    """A gray encoder becomes one of three channels, and finds the same in gray images."""
    path, encoder = weights
    color = "folder:" + str(pictures(tmp_path / "pictures"))
    changes = {**SMALL, **DATA, "data.train": color, "probe": "False", "batch": "8"}
    three = {"mean": "(0.5, 0.5, 0.5)", "std": "(0.5, 0.5, 0.5)"}
    changes |= {f"{view}.args.{key}": value for view in NORMALIZED for key, value in three.items()}
    assert brought("ssl_jax", path, "quickstart", tmp_path / "no", changes) == 2
    assert "conv/kernel is [3, 3, 1, 4], and the recipe's network wants [3, 3, 3, 4]" in capsys.readouterr().err
    assert brought("ssl_jax", path, "quickstart", tmp_path / "run", changes, "--adapt=channels") == 0
    gray = np.random.default_rng(0).normal(size=(2, 24, 24, 1)).astype(np.float32)
    loaded = encoders.load(str(tmp_path / "run"))
    assert (loaded.channels, encoder.channels) == (3, 1)
    ours, theirs = (
        net.net.apply(net.params, net.stats, np.repeat(gray, net.channels, -1), train=False)[0]["pool"]
        for net in (loaded, encoder)
    )
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("size", ["64", "96"])
def test_learned_positions_never_vanish_in_a_network_with_fixed_ones(channels, size):
    """Whatever else is adapted; fixed ones of another grid are the network's own."""
    learned = drawn(LEARNED, **{**VITS, "clean__0__size": size, "nets__encoder__image_size": size})
    fixed = drawn(FIXED, **VITS)
    own = names.flat(fixed.params, fixed.stats)
    positions, adapt = geometry.fixed_positions(fixed.config, own), adapting.adapter(("positions", "channels"))
    theirs = geometry.weights(learned, layouts.VIT_TIMM)
    kernel = theirs["patch_embed.proj.weight"]
    theirs["patch_embed.proj.weight"] = np.concatenate([kernel, kernel], 1)[:, :channels]
    with pytest.raises(ValueError, match="pos_embed cannot be: the recipe's network has fixed values there"):
        names.imported(dict(theirs), layouts.VIT_TIMM, own, positions, adapt)
    side, width = int(size) // 16, kernel.shape[0]
    places = np.concatenate([np.zeros((1, width)), sincos(side, side, width)])[None].astype(np.float32)
    found = names.imported({**theirs, "pos_embed": places}, layouts.VIT_TIMM, own, positions, adapt)
    assert found.keys() == own.keys()


def test_adapted_patches_embed_a_resized_patch_the_same():
    rng = np.random.default_rng(0)
    kernel, patch = rng.normal(size=(4, 4, 2, 3)), rng.normal(size=(4, 4, 2))
    larger = np.asarray(jax.image.resize(patch, (8, 8, 2), "bilinear", antialias=False))
    before = np.einsum("hwc,hwcd->d", patch, kernel)
    after = np.einsum("hwc,hwcd->d", larger, adapting.resized_patch(kernel, (8, 8, 2, 3)))
    np.testing.assert_allclose(after, before, rtol=1e-4)


def test_adapted_positions_keep_the_front():
    places = np.random.default_rng(0).normal(size=(1, 17, 8)).astype(np.float32)
    moved = adapting.moved_positions(places, (1, 26, 8))
    np.testing.assert_array_equal(moved[:, 0], places[:, 0])
    np.testing.assert_allclose(moved[:, 1:].mean(), places[:, 1:].mean(), atol=0.1)
    assert moved.shape == (1, 26, 8)


VIT = {"nets.encoder.variant": "Ti/16", "nets.encoder.image_size": "64", "nets.projector.out": "16"}

TOWER = {"nets.encoder.input_norm": "True", "nets.encoder.activation": "quick_gelu", "nets.encoder.eps": "1e-5"}


@interop
@pytest.mark.parametrize(
    ("kind", "form", "recipe", "changes", "more"),
    [
        (
            "torchvision",
            "torchvision",
            "simclr_imagenet_r50",
            {"nets.encoder.depth": "18"},
            ["--prefix=net.", "--allow=fc.*"],
        ),
        ("timm", "timm", "dino_imagenet_vits16", VIT, ["--prefix=net."]),
        ("timm_clip", "timm", "dino_imagenet_vits16", {**VIT, **TOWER, "nets.encoder.eps": "1e-6"}, ["--prefix=net."]),
        ("hf_clip", "huggingface", "dino_imagenet_vits16", {**VIT, **TOWER}, []),
        ("hf_vit", "huggingface", "dino_imagenet_vits16", VIT, ["--allow=pooler.*"]),
        ("hf_dinov2", "huggingface", "dino_imagenet_vits16", {**VIT, "nets.encoder.layer_scale": "1.0"}, []),
        (
            *("hf_registers", "huggingface", "dino_imagenet_vits16"),
            {**VIT, "nets.encoder.layer_scale": "1.0", "nets.encoder.registers": "4"},
            [],
        ),
    ],
)
def test_weights_made_elsewhere_have_the_features_that_they_have_there(tmp_path, kind, form, recipe, changes, more):
    inputs = np.random.default_rng(0).normal(size=(2, 64, 64, 3)).astype(np.float32)
    np.save(tmp_path / "inputs.npy", inputs)
    script = pathlib.Path(__file__).with_name("foreign.py")
    subprocess.run([INTEROP, script, kind, tmp_path], check=True, timeout=300)
    path = tmp_path / ("weights" if form == "huggingface" else "weights.safetensors")
    folder = "folder:" + str(pictures(tmp_path / "pictures"))
    shared = {"data.train": folder, "data.test": "", "batch": "8", "probe": "False", "clean.0.size": "64"}
    assert brought(form, path, recipe, tmp_path / "run", {**changes, **shared}, *more) == 0
    loaded = encoders.load(str(tmp_path / "run"))
    net = encoders.network(loaded.config, loaded.role, dtype="float32")
    ours, _ = net.apply(loaded.params, loaded.stats, inputs, train=False)
    np.testing.assert_allclose(ours["pool"], np.load(tmp_path / "features.npy"), rtol=1e-3, atol=1e-4)


def pictures(folder: pathlib.Path) -> pathlib.Path:
    """Eight images, which the recipe opens and nothing here looks at."""
    from PIL import Image

    folder.mkdir()
    for i in range(8):
        noise = np.random.default_rng(i).integers(0, 256, (300, 300, 3)).astype(np.uint8)
        Image.fromarray(noise).save(folder / f"{i}.jpg")
    return folder
