"""Features of the same pictures in every form: one command each, and the same numbers."""

import json

import numpy as np
import pytest
import tensorflow as tf

from ssl_jax.cli import main
from ssl_jax.data.parts import Image
from ssl_jax.features import encoder
from tests.data import forms

GRAY = dict(sorted({f"{'ab'[k % 2]}/{k}.png": forms.png(k, channels=1, size=(28, 28)) for k in range(9)}.items()))


def mixed(place, files):
    """The first five by a folder and the others by a zip, one after the other."""
    every = [*files.items()]
    return f"mix:1*{forms.folder(place, dict(every[:5]))}+2*{forms.zipped(place, dict(every[5:]))}"


@pytest.mark.parametrize("form", [*forms.FORMS, mixed], ids=lambda form: form.__name__)
def test_embed_check_and_stream_take_every_form(form, exported, tmp_path, capsys):
    text = form(tmp_path, GRAY)
    out = tmp_path / "out.npz"
    assert main.main(["embed", f"--workdir={exported}", f"--data={text}", f"--out={out}"]) == 0
    assert f"9 rows of {text}" in capsys.readouterr().out
    loaded, rows = encoder.load(str(exported)), np.load(out)
    pixels = [tf.io.decode_png(data).numpy() for data in GRAY.values()]
    np.testing.assert_allclose(rows["features"], loaded.embed(pixels)["pool"], rtol=1e-5, atol=1e-6)
    assert rows["labels"].tolist() == forms.labels(GRAY)[1] and rows["valid"].all()
    np.testing.assert_array_equal(loaded.stream(text, batch=4).features.shape, rows["features"].shape)
    assert encoder.opened(loaded, text).image == Image(1, 8)
    assert main.main(["data", "check", text, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["labels"] == {"a": 5, "b": 4} and report["corrupt"] == [] and report["channels"] == {"1": 9}


def test_a_recipe_trains_on_a_mix_and_goes_on(tmp_path, capsys):
    """Two steps, then two more, are the same as four."""
    text = mixed(tmp_path, {path: forms.png(k, channels=1, size=(28, 28)) for k, path in enumerate(GRAY)})
    small = ["--config.nets.encoder.depth=(1, 1)", "--config.nets.encoder.base=4", "--config.batch=8"]
    train = ["train", "--config=quickstart", f"--config.data.train={text}", "--config.data.test=", *small]
    train += ["--config.probe=False", "--config.evaluation.final=none"]
    for name, steps in (("a", 4), ("b", 2), ("b", 4)):
        assert main.main([*train, f"--workdir={tmp_path / name}", f"--config.duration={steps} steps"]) == 0
    one, two = (encoder.load(str(tmp_path / name), step=4) for name in "ab")
    pixels = [tf.io.decode_png(data).numpy() for data in GRAY.values()]
    np.testing.assert_array_equal(one.embed(pixels)["pool"], two.embed(pixels)["pool"])
