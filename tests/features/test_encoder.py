"""A trained encoder out of its work directory: the same features as the run measures, in Python and in a file."""

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from pyarrow import parquet

from ssl_jax import loop
from ssl_jax.cli import main
from ssl_jax.config import build, recipes, schema
from ssl_jax.data import sources
from ssl_jax.data.source import images as stored
from ssl_jax.data.source import subset
from ssl_jax.features import embedding, encoder
from ssl_jax.launching.local import free_port
from ssl_jax.process.goodput import Goodput
from ssl_jax.process.stopping import Stop
from ssl_jax.run import evaluation
from tests.faults import files

CHANGES = {
    "duration": "3 steps",
    "batch": "16",
    "evaluation.every": "never",
    "nets.encoder.base": "4",
    "nets.projector.widths": "(8, 8)",
    "lr": "0.001",
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """(work directory, features of 40 test images as the run itself measures them)"""
    workdir = tmp_path_factory.mktemp("run")
    job = build.job(schema.resolve(recipes.override(schema.resolve(recipes.load("quickstart")), CHANGES)))
    program = loop.compiled(job)
    state, _ = loop.train(job, program, str(workdir), Goodput(), Stop())
    (workdir / "config.json").write_text(json.dumps(job.config))
    return workdir, *evaluation.embedded(job, program, few(), state)[:2]


def few():
    return subset(sources.open("embedded:fashion_mnist/test"), np.arange(40))


def test_images_of_any_size_have_the_features_that_the_run_measures(run):
    workdir, features, _ = run
    loaded = encoder.load(str(workdir))
    images = stored(few(), np.arange(40))
    assert loaded.step == 3 and loaded.config["batch"] == 16
    got = loaded.embed(images)
    np.testing.assert_allclose(got["pool"], features, rtol=1e-4, atol=1e-5)
    assert got["maps"]["stage3"].shape == (40, 3, 3, 16)
    large = [np.repeat(np.repeat(image, 2, 0), 2, 1) for image in images[:2]]
    alike = np.sum(loaded.embed([*large, images[5]])["pool"] * features[[0, 1, 5]], 1)
    assert (alike > 0.8 * np.sum(features[[0, 1, 5]] ** 2, 1)).all()


def test_two_processes_share_the_work(run, tmp_path):
    workdir, _, _ = run
    address = f"127.0.0.1:{free_port()}"

    def started(out, *flags):
        where = [f"--workdir={workdir}", "--data=embedded:fashion_mnist/train", f"--out={tmp_path / out}"]
        return subprocess.Popen(
            [sys.executable, "-m", "ssl_jax", "embed", *where, *flags], env=env, stdout=-1, text=True
        )

    env = {**os.environ, "JAX_NUM_CPU_DEVICES": "2", "XLA_FLAGS": ""}
    pair = [started("two.npz", f"--coordinator={address}", "--processes=2", f"--process={i}") for i in range(2)]
    said = [process.communicate(timeout=600)[0] for process in (*pair, started("one.npz"))]
    assert [text.count("10000 rows of") for text in said] == [1, 0, 1]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.npz", "two.npz"]
    one, two = np.load(tmp_path / "one.npz"), np.load(tmp_path / "two.npz")
    assert set(one.files) == {*encoder.Rows._fields, "about"}
    for name in one.files:
        np.testing.assert_array_equal(one[name], two[name])
    np.testing.assert_array_equal(one["index"], np.arange(10000))


def test_a_file_has_all_features_in_order_and_goes_on_after_an_interruption(run, tmp_path, monkeypatch):
    workdir, features, labels = run
    loaded, out = encoder.load(str(workdir)), tmp_path / "features.npz"
    monkeypatch.setattr(embedding, "PART", 16)
    done = []

    def interrupted(count, total):
        done.append(count)
        if count == 16:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        embedding.to_file(loaded, few(), str(out), batch=8, say=interrupted)
    (part,) = (tmp_path / "features.npz.parts").glob("*.npz")
    before = part.stat().st_mtime_ns
    assert not out.exists()

    def looking(count, total):
        assert part.stat().st_mtime_ns == before
        done.append(count)

    embedding.to_file(loaded, few(), str(out), batch=8, say=looking)
    assert done == [16, 16, 32, 40] and [p.name for p in tmp_path.iterdir()] == ["features.npz"]
    with np.load(out) as file:
        np.testing.assert_allclose(file["features"], features, rtol=1e-4, atol=1e-5)
        assert file["features"].dtype == np.float32
        np.testing.assert_array_equal(file["labels"], labels)


def test_a_parquet_file_has_a_row_an_example(run, tmp_path):
    workdir, features, labels = run
    out = tmp_path / "f.parquet"
    embedding.to_file(encoder.load(str(workdir)), few(), str(out), batch=8, say=lambda *_: None)
    table = parquet.read_table(out)
    np.testing.assert_allclose(np.stack(table["features"].to_numpy()), features, rtol=1e-4, atol=1e-5)
    assert table["label"].to_pylist() == labels.tolist() and [p.name for p in tmp_path.iterdir()] == ["f.parquet"]
    assert table["path"].to_pylist()[3] == few().describe(3) and table["index"].to_pylist() == list(range(40))


@pytest.mark.parametrize(
    ("images", "sentence"),
    [
        ([], "there are no images to embed"),
        (np.zeros((0, 28, 28, 1), np.uint8), "there are no images to embed"),
        ("photos/a.png", r"a str is no batch of images: give uint8 or uint16 arrays, \[b, h, w, 1\] or a list"),
        (["photos/a.png"], "an image cannot be read: .*photos/a.png"),
        (Image.new("L", (28, 28)), "a Image is no batch of images"),
        ([Image.new("P", (28, 28))], "a Image is no image"),
        ([[[[0]]]], "a list is no image"),
        (np.zeros((28, 28), np.uint8), r"an array \[28, 28\] is no batch of images"),
        ([np.zeros((28, 28), np.uint8)], r"this one is uint8 \[28, 28\]"),
        ([np.zeros((0, 28, 1), np.uint8)], r"an image is \[0, 28, 1\], which has no pixels"),
        ([np.zeros((28, 28, 1), np.uint8), np.zeros((28, 28, 1), np.uint16)], "some images are uint8 and some uint16"),
        (np.zeros((2, 28, 28, 1), np.float32), r"an image is uint8 or uint16 \[h, w, c\], and this one is float32"),
        (
            np.zeros((28, 28, 1), np.uint8),
            r"an array \[28, 28, 1\] is no batch of images: .* images\[None\] is a batch",
        ),
        (np.zeros((1, 28, 28, 3), np.uint8), r"an image is \[28, 28, 3\], and the encoder takes 1 channels"),
    ],
)
def test_what_is_no_image_is_one_sentence(run, images, sentence):
    with pytest.raises(ValueError, match=sentence):
        encoder.load(str(run[0])).embed(images)


def test_the_whole_range_of_either_type_counts_as_zero_to_one(run):
    """An encoder that was trained on 8 bits finds the same in 16: 255 and 65535 are both white."""
    loaded, images = encoder.load(str(run[0])), np.stack(stored(few(), np.arange(4)))
    finer = loaded.embed(images.astype(np.uint16) * 257)["pool"]
    np.testing.assert_allclose(finer, loaded.embed(images)["pool"], rtol=0.02, atol=2e-3)  # 8 bits round when resized
    exact = np.full((1, 28, 28, 1), 51, np.uint8)  # which resizing does not change
    ours, theirs = (loaded.embed(x)["pool"] for x in (exact, exact.astype(np.uint16) * 257))
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
    assert not np.allclose(ours, loaded.embed(exact.astype(np.uint16))["pool"], rtol=0.1)


def test_a_run_or_step_that_is_not_there_and_a_damaged_one_are_refused(run, tmp_path):
    with pytest.raises(ValueError, match="is not the work directory of a run"):
        encoder.load(str(tmp_path))
    with pytest.raises(ValueError, match="has no checkpoint of step 7; there are"):
        encoder.load(str(run[0]), step=7)
    copy = shutil.copytree(run[0], tmp_path / "copy")
    files.flip_a_bit(copy / "checkpoints" / "3")
    with pytest.raises(ValueError, match="the checkpoint of step 3 in .* is damaged"):
        encoder.load(str(copy))


def test_the_command_writes_what_it_says(run, tmp_path, capsys):
    flags = ["embed", f"--workdir={run[0]}", "--data=embedded:fashion_mnist/test"]
    assert main.main([*flags, "--out=f.txt"]) == 2
    assert "--out=f.txt: features are written as .npz or .parquet" in capsys.readouterr().err
    assert main.main([*flags, f"--out={tmp_path / 'f.npz'}"]) == 0
    assert "5000 rows of embedded:fashion_mnist/test, step 3, are in" in capsys.readouterr().out
    with np.load(tmp_path / "f.npz") as file:
        np.testing.assert_allclose(file["features"][:40], run[1], rtol=1e-4, atol=1e-5)
