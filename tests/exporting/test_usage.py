"""The code on a card is run as it stands, by a person who has the libraries and not this one."""

import re
import subprocess

import numpy as np
import pytest

from ssl_jax.exporting import export, geometry, receipts
from tests.exporting.drawn import FIXED, INTEROP, LEARNED, RESNET, SWIN, TOWER, VIT, drawn, interop

CASES = {
    "small": ("torchvision", "simclr_cifar10", {**RESNET, "nets__encoder__stem": "cifar"}),
    "usual": ("torchvision", "simclr_cifar10", {**RESNET, "nets__encoder__depth": "50"}),
    "timms": ("timm", "simclr_cifar10", RESNET),
    "registers": ("timm", LEARNED, {**VIT, "nets__encoder__registers": "4", "nets__encoder__layer_scale": "0.5"}),
    "mean": ("timm", LEARNED, {**VIT, "nets__encoder__pool": "mean"}),
    "swin": ("timm", "simmim_swin_cifar10", SWIN),
    "vit": ("huggingface", LEARNED, VIT),
    "masked": ("huggingface", FIXED, dict(clean__0__size="64", nets__encoder__variant="Ti/16")),
    "tower": ("huggingface", LEARNED, {**VIT, **TOWER}),
    "towers_mean": ("huggingface", LEARNED, {**VIT, **TOWER, "nets__encoder__pool": "mean"}),
}
PROGRAM = """
import pathlib, re, numpy, torch
torch.set_grad_enabled(False)
for code in sorted(pathlib.Path().glob("*.py")):
    names = {"images": torch.from_numpy(numpy.load(f"{code.stem}.npy")).permute(0, 3, 1, 2)}
    exec(code.read_text(), names)
    numpy.save(f"{code.stem}.features.npy", names["features"].numpy())
"""


def written(encoder, to, path):
    """The code of the card of an export."""
    export.written(encoder, to, str(path), verify=False)
    card = path / "README.md" if path.is_dir() else path.with_suffix(".md")
    return re.search(r"```(?:python|yaml)\n(.*?)```", card.read_text(), re.DOTALL)[1]


@interop
def test_torchs_people_paste_it(tmp_path):
    ours = {}
    for case, (to, recipe, changes) in CASES.items():
        encoder = drawn(recipe, **{**changes, "nets__encoder__dtype": "float32"})
        path = tmp_path / (case if to == "huggingface" else f"{case}.safetensors")
        (tmp_path / f"{case}.py").write_text(written(encoder, to, path))
        inputs = geometry.normalized(encoder.config, receipts.photographs(encoder))
        np.save(tmp_path / f"{case}.npy", inputs)
        ours[case] = receipts.features(encoder, inputs)
    subprocess.run([INTEROP, "-c", PROGRAM], check=True, timeout=600, cwd=tmp_path)
    for case, features in ours.items():
        theirs = np.load(tmp_path / f"{case}.features.npy")
        np.testing.assert_allclose(theirs, features, atol=1e-4 * np.abs(features).max(), err_msg=case)


@pytest.mark.parametrize("to", ("npz", "stablehlo", "savedmodel"))
def test_so_do_ours_and_tensorflows(tmp_path, monkeypatch, to):
    encoder = drawn("simclr_cifar10", nets__encoder__depth="(1, 1)", nets__encoder__base="4")
    pixels = receipts.photographs(encoder)
    names = {"images": list((255 * pixels).round().astype(np.uint8)) if to == "npz" else pixels}
    code = written(encoder, to, tmp_path / ("a.npz" if to == "npz" else "a"))
    monkeypatch.chdir(tmp_path)
    exec(code, names)
    ours = receipts.features(encoder, geometry.normalized(encoder.config, pixels))
    np.testing.assert_allclose(names["features"], ours, atol=1e-5 * np.abs(ours).max())


def test_detectron2_is_told_of_strides_pixels_and_colors(tmp_path):
    code = written(drawn("simclr_cifar10", **RESNET), "detectron2", tmp_path / "a.pkl")
    for line in ("  WEIGHTS: a.pkl", "  RESNETS: {DEPTH: 18, STRIDE_IN_1X1: False, RES2_OUT_CHANNELS: 64}"):
        assert line in code.splitlines()
    assert "FORMAT: RGB" in code and re.search(r"PIXEL_MEAN: \[125\.3\d*, ", code)
