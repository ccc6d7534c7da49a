"""Every format is read back by the library that it is for, or nothing is left. Torch's libraries live in a Python of
their own, named by SSL_JAX_INTEROP; what needs them is skipped without it.
"""

import json
import subprocess
import sys

import numpy as np
import pytest

from ssl_jax.data import sources
from ssl_jax.exporting import export, formats, layouts, names, receipts
from ssl_jax.features import encoder as encoders
from tests.exporting.drawn import FIXED, INTEROP, LEARNED, RESNET, SWIN, TOWER, VIT, drawn, interop

SMALL = dict(nets__encoder__depth="(1, 1)", nets__encoder__base="4")


@pytest.fixture(scope="module")
def small():
    return drawn("simclr_cifar10", **SMALL)


@pytest.mark.parametrize(
    ("to", "name"),
    [("npz", "a.npz"), ("safetensors", "a.safetensors"), ("stablehlo", "a"), ("savedmodel", "a")],
)
def test_it_is_read_back_in_another_process(small, tmp_path, to, name):
    receipt = export.written(small, to, str(tmp_path / name))
    assert receipt["verified"] and receipt["difference"] <= 1e-5 and receipt["weights_sha256"] == receipts.digest(small)
    folder, stem = (tmp_path / name, "") if name == "a" else (tmp_path, "a.")
    assert json.loads((folder / f"{stem}receipt.json").read_text()) == receipt
    card = (folder / ("README.md" if name == "a" else "a.md")).read_text()
    assert "# simclr encoder" in card and "Read back by" in card and "32 x 32 x 3" in card
    assert len(list(tmp_path.iterdir())) == (1 if name == "a" else 3)


@pytest.mark.parametrize("suffix", (".npz", ".safetensors"))
def test_an_exported_file_is_an_encoder_again(small, tmp_path, suffix):
    path = str(tmp_path / f"a{suffix}")
    export.written(small, suffix[1:], path, verify=False)
    images = sources.images(sources.open("embedded:fashion_mnist/test"), np.arange(2))
    images = [np.repeat(image, 3, -1) for image in images]
    again = encoders.load(path)
    np.testing.assert_array_equal(again.embed(images)["pool"], small.embed(images)["pool"])
    assert (again.step, again.which, again.digest) == (7, "encoder", small.digest)


def test_tensorflow_knows_every_operation_of_a_vision_transformer(tmp_path):
    receipt = export.written(drawn(LEARNED, **VIT), "savedmodel", str(tmp_path / "a"))
    assert receipt["verified"] and receipt["difference"] <= 1e-5


def test_the_weights_beside_a_graph_are_an_encoder_again(tmp_path):
    """Arrays there are of all layers, as the network has them."""
    made = drawn(LEARNED, **VIT)
    export.written(made, "stablehlo", str(tmp_path / "a"))
    again = encoders.load(str(tmp_path / "a" / "weights.safetensors"))
    assert receipts.digest(again) == receipts.digest(made) and (again.step, again.digest) == (7, made.digest)


@interop
@pytest.mark.parametrize(
    ("to", "name", "recipe", "changes"),
    [
        ("torchvision", "a.safetensors", "simclr_cifar10", RESNET),
        ("torchvision", "a.safetensors", "simclr_cifar10", {**RESNET, "nets__encoder__depth": "50"}),
        ("torchvision", "a.safetensors", "simclr_cifar10", {**RESNET, "nets__encoder__stem": "cifar"}),
        ("timm", "a.safetensors", "simclr_cifar10", RESNET),
        ("detectron2", "a.pkl", "simclr_cifar10", {**RESNET, "nets__encoder__depth": "50"}),
        ("timm", "a.safetensors", LEARNED, VIT),
        ("timm", "a.safetensors", LEARNED, {**VIT, "nets__encoder__image_size": "32"}),
        (
            "timm",
            "a.safetensors",
            LEARNED,
            {**VIT, "nets__encoder__registers": "4", "nets__encoder__layer_scale": "0.5"},
        ),
        ("timm", "a.safetensors", LEARNED, {**VIT, **TOWER, "nets__encoder__registers": "4"}),
        ("timm", "a.safetensors", "simmim_swin_cifar10", SWIN),
        ("timm", "a.safetensors", FIXED, dict(clean__0__size="64", nets__encoder__variant="Ti/16")),
        ("huggingface", "a", LEARNED, VIT),
        ("huggingface", "a", LEARNED, {**VIT, "nets__encoder__layer_scale": "0.5"}),
        ("huggingface", "a", LEARNED, {**VIT, "nets__encoder__registers": "4", "nets__encoder__layer_scale": "0.5"}),
        ("huggingface", "a", LEARNED, {**VIT, **TOWER}),
        ("huggingface", "a", LEARNED, {**VIT, **TOWER, "nets__encoder__pool": "mean"}),
        ("huggingface", "a", FIXED, dict(clean__0__size="64", nets__encoder__variant="Ti/16")),
    ],
)
def test_it_is_read_back_by_the_library_that_it_is_for(tmp_path, to, name, recipe, changes):
    receipt = export.written(drawn(recipe, **changes), to, str(tmp_path / name), reader=INTEROP)
    library = {"torchvision": "torchvision", "detectron2": "torchvision", "timm": "timm", "huggingface": "transformers"}
    assert receipt["verified"] and library[to] in receipt["reader"] and receipt["difference"] < 1e-5


@interop
@pytest.mark.parametrize(
    "changes", [("simclr_cifar10", RESNET), (LEARNED, {**VIT, "nets__encoder__registers": "4"})], ids=["resnet", "vit"]
)
def test_onnx_is_right_for_a_padded_pool_and_for_layers_under_a_scan(tmp_path, changes):
    """In the other Python, which has jax2onnx and this library."""
    recipe, changes = changes
    export.written(drawn(recipe, **changes), "npz", str(tmp_path / "a.npz"), verify=False)
    flags = ["export", f"--workdir={tmp_path / 'a.npz'}", "--to=onnx", f"--out={tmp_path / 'a'}"]
    subprocess.run([INTEROP, "-m", "ssl_jax", *flags], check=True, timeout=600)
    receipt = json.loads((tmp_path / "a" / "receipt.json").read_text())
    assert receipt["verified"] and "onnxruntime" in receipt["reader"] and receipt["difference"] < 1e-5
    assert sorted(left(tmp_path)) == ["a", "a.md", "a.npz", "a.receipt.json"]  # the rest is of the .npz
    (tmp_path / "a").rename(tmp_path / "moved")
    program = "import sys, onnxruntime; onnxruntime.InferenceSession(sys.argv[1])"
    subprocess.run([INTEROP, "-c", program, tmp_path / "moved" / "model.onnx"], check=True, timeout=300)


@interop
def test_a_person_loads_it_with_timm_alone(tmp_path):
    export.written(drawn("simclr_cifar10", **RESNET), "timm", str(tmp_path / "a.safetensors"), reader=INTEROP)
    program = "import sys, timm; timm.create_model('resnet18', num_classes=0, checkpoint_path=sys.argv[1])"
    subprocess.run([INTEROP, "-c", program, tmp_path / "a.safetensors"], check=True, timeout=300)


def left(folder):
    return [path.name for path in folder.iterdir()]


SPOILED = {
    "a transposed kernel": lambda own: {
        n: np.ascontiguousarray(v.transpose(1, 0, 2, 3)) if n.endswith("block0/conv1/kernel") else v
        for n, v in own.items()
    },
    "a lost mean": lambda own: {n: v * 0 if n.endswith("/mean") else v for n, v in own.items()},
    "weights rounded to bfloat16": lambda own: {
        n: (v.view(np.uint32) & 0xFFFF0000).view(np.float32) for n, v in own.items()
    },
}


@pytest.mark.parametrize("how", SPOILED)
def test_weights_that_give_other_features_are_not_kept(small, tmp_path, monkeypatch, how):
    whole = names.flat
    monkeypatch.setattr(names, "flat", lambda params, stats: SPOILED[how](whole(params, stats)))
    with pytest.raises(ValueError, match=r"jax 0.* finds other features: they differ by .* nothing is written"):
        export.written(small, "npz", str(tmp_path / "a.npz"))
    assert left(tmp_path) == []


def test_a_file_that_is_cut_off_is_not_kept(small, tmp_path, monkeypatch):
    form = formats.FORMATS["safetensors"]

    def cut(encoder, path):
        form.write(encoder, path)
        path.write_bytes(path.read_bytes()[:-100])

    monkeypatch.setitem(formats.FORMATS, "safetensors", form._replace(write=cut))
    with pytest.raises(ValueError, match="cannot be read back, so nothing is kept: ValueError: .* is damaged or no"):
        export.written(small, "safetensors", str(tmp_path / "a.safetensors"))
    assert left(tmp_path) == []


RULES = layouts.VIT_TIMM.rules


@interop
@pytest.mark.parametrize(
    "layout",
    [
        layouts.VIT_TIMM._replace(rules=(*RULES, ("mlp/fc1", "mlp/lin1"))),
        layouts.VIT_TIMM._replace(prepare=lambda own, fixed: {n: own[n] for n in own if n != "norm/bias"}),
    ],
    ids=["renamed", "missing"],
)
def test_timm_refuses_names_that_are_not_its_own(tmp_path, monkeypatch, layout):
    monkeypatch.setitem(layouts.LAYOUTS, ("timm", "vit"), layout)
    with pytest.raises(ValueError, match="cannot be read back, so nothing is kept"):
        export.written(drawn(LEARNED, **VIT), "timm", str(tmp_path / "a.safetensors"), reader=INTEROP)
    assert left(tmp_path) == []


@interop
def test_another_epsilon_is_found(tmp_path, monkeypatch):
    model = formats.hf_model
    monkeypatch.setattr(formats, "hf_model", lambda encoder: {**model(encoder), "layer_norm_eps": 1e-2})
    with pytest.raises(ValueError, match="transformers .* finds other features"):
        export.written(drawn(LEARNED, **VIT), "huggingface", str(tmp_path / "a"), reader=INTEROP)
    assert left(tmp_path) == []


@pytest.mark.parametrize(
    ("to", "name", "sentence"),
    [
        ("tim", "a.safetensors", "no 'tim' in the formats; did you mean timm"),
        ("npz", "a.bin", "a.bin: npz writes a file that ends with .npz"),
        ("npz", "no/a.npz", "there is no folder"),
        ("timm", "a.safetensors", "ResNets have four stages and start with 64 channels; this one has 2 and 4"),
        ("huggingface", "a", "transformers is for the network 'vit', and the recipe's encoder is 'resnet'"),
    ],
)
def test_what_cannot_be_is_one_sentence(small, tmp_path, to, name, sentence):
    with pytest.raises(ValueError, match=sentence):
        export.written(small, to, str(tmp_path / name))
    assert left(tmp_path) == []


def test_detectron2_has_no_stem_for_small_images(tmp_path):
    with pytest.raises(ValueError, match="one has depth 18 and the stem 'cifar': --to=torchvision takes it"):
        export.written(
            drawn("simclr_cifar10", **{**RESNET, "nets__encoder__stem": "cifar"}), "detectron2", str(tmp_path / "a.pkl")
        )
    assert left(tmp_path) == []


def test_a_reader_that_is_not_installed_is_named_with_the_ways_out(tmp_path):
    encoder = drawn("simclr_cifar10", **RESNET)
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\nexec {sys.executable} -S -c 'import torch'\n")
    python.chmod(0o755)
    with pytest.raises(
        ValueError, match=r"checked with torch, which .* does not have: `.*pip install torch`, .*unverified"
    ):
        export.written(encoder, "torchvision", str(tmp_path / "a.safetensors"), reader=str(python))
    with pytest.raises(ValueError, match="--reader=/no/python cannot be started: No such file"):
        export.written(encoder, "torchvision", str(tmp_path / "a.safetensors"), reader="/no/python")
    assert left(tmp_path) == ["python"]
    receipt = export.written(encoder, "torchvision", str(tmp_path / "a.safetensors"), verify=False)
    assert receipt["verified"] is False and "NONE" in (tmp_path / "a.md").read_text().upper()


def test_a_card_replaces_no_other_text(small, tmp_path):
    (tmp_path / "README.md").write_text("mine")
    with pytest.raises(ValueError, match="its model card would replace README.md, which no export wrote"):
        export.written(small, "npz", str(tmp_path / "README.npz"), verify=False)
    assert left(tmp_path) == ["README.md"] and (tmp_path / "README.md").read_text() == "mine"
    for _ in range(2):  # its own is replaced
        export.written(small, "npz", str(tmp_path / "a.npz"), verify=False)
