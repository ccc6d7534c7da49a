"""Retrieval on pairs, as a run does it: what is compared with what, and a whole run on shards that were made up."""

import io
import json
import tarfile
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf
from numpy.testing import assert_allclose

import ssl_jax
from ssl_jax import api
from ssl_jax.config import recipes
from ssl_jax.run import matching
from ssl_jax.types import View

pytest.importorskip("tokenizers")
COLORS = {"red": (230, 30, 30), "green": (30, 200, 30), "blue": (40, 40, 230), "gray": (120, 120, 120)}
SHAPES = ("disc", "square", "cross", "bar", "ring", "frame")


def job(*parts, length=3):
    views = tuple(View(name, 1, length, (), of) for name, of in parts)
    clean = SimpleNamespace(views=views, inputs={view.of: view.group for view in views})
    return SimpleNamespace(test=True, clean=clean)


PAIRS = job(("clean", "image"), ("clean_text", "text"))


def rows(image, text, caption):
    return np.concatenate([image, text, np.stack([caption, caption * 0 + 2, caption * 0], 1)], 1)


def test_captions_find_images_and_images_their_captions_and_each_other():
    g = np.random.default_rng(0)
    text = g.normal(size=(4, 5))[[0, 1, 2, 3, 0, 1]]
    caption = np.array([7, 3, 9, 5, 7, 3])
    found, levels = matching.scores(PAIRS, rows(text + 1e-3 * g.normal(size=(6, 5)), text, caption), texts=True)
    assert set(found) == set(matching.NAMES) and all(value == 1.0 for value in found.values())
    # 4 captions, of which two have two of the 6 images; 2 pairs of images; 5 others for each
    assert_allclose(levels["text_to_image@1"], np.mean([2, 1, 1, 2]) / 6)
    assert_allclose(levels["image_to_text@1"], 1 / 4)
    assert_allclose(levels["image_to_image@1"], 1 / 5)
    shuffled = rows(text[[1, 0, 3, 2, 1, 0]], text, caption)
    found, _ = matching.scores(PAIRS, shuffled, texts=True)
    assert found["text_to_image@1"] == found["image_to_text@1"] == 0.0 and found["image_to_image@1"] == 1.0


def test_pixels_have_no_texts_and_single_images_no_others():
    g = np.random.default_rng(1)
    alone = rows(g.normal(size=(5, 4)), g.normal(size=(5, 0)), np.arange(5))
    found, levels = matching.scores(PAIRS, alone, texts=False)
    assert all(value is None for value in found.values())
    assert_allclose([levels["text_to_image@1"], levels["text_to_image@5"]], [0.2, 1.0])
    assert "image_to_image@1" not in levels


def test_only_pairs_are_possible():
    assert matching.possible(PAIRS) and not matching.possible(job(("clean", "image")))
    assert not matching.possible(SimpleNamespace(test=None, clean=PAIRS.clean))


def drawn(color, shape, seed):
    y, x = np.mgrid[-1:1:16j, -1:1:16j] - np.random.default_rng(seed).uniform(-0.15, 0.15, (2, 1, 1))
    far, near = np.hypot(x, y), np.maximum(abs(x), abs(y))
    masks = (far < 0.7, near < 0.6, (abs(x) < 0.2) | (abs(y) < 0.2), abs(y) < 0.25, abs(far - 0.6) < 0.18)
    mask = (*masks, abs(near - 0.6) < 0.18)[SHAPES.index(shape)]
    pixels = np.where(mask[..., None], COLORS[color], 255).astype(np.uint8)
    return tf.io.encode_png(pixels).numpy()


def write(path, pairs, seed=0):
    """A shard of (color, shape), each drawn twice."""
    with tarfile.open(path, "w") as tar:
        for k, (color, shape) in enumerate([pair for pair in pairs for _ in range(2)]):
            members = {"png": drawn(color, shape, (seed, k)), "txt": f"{color} {shape}\na {shape} in {color}".encode()}
            members |= {"json": json.dumps({"color": color}).encode()}
            if (seed, k) == (0, 5):
                members["txt"] = b" \n"  # not seen before it is read
            for suffix, data in members.items():
                info = tarfile.TarInfo(f"{seed}_{k:03d}.{suffix}")
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))


def recipe(folder, **changes):
    every = [(color, shape) for shape in SHAPES for color in COLORS]
    held = every[::5]
    write(folder / "train-0.tar", [pair for pair in every if pair not in held])
    write(folder / "test-0.tar", held, seed=1)
    c = recipes.load("clip_emoji")
    c["data"] = dict(train=f"wds:{folder}/train-*.tar#color", test=f"wds:{folder}/test-*.tar#color", channels=3)
    c["batch"], c["duration"] = 16, "2 steps"
    c["nets"]["encoder"] |= dict(variant=(32, 2, 2, 4))
    c["nets"]["text_encoder"] |= dict(vocabulary=300, length=8, width=32, layers=1, heads=2)
    for part in ("views", "clean"):
        for view in c[part]:
            view["size"] = 8 if view.get("of") == "text" else 16
            for op in view["ops"]:
                op["args"] = {**op.get("args", {}), **({"vocabulary": 300} if op["name"] == "tokenize" else {})}
                op["args"] |= dict(mean=(0.5,) * 3, std=(0.5,) * 3) if op["name"] == "normalize" else {}
                op["args"].pop("size", None)
    c["clean"][0]["ops"][0]["args"]["size"] = 16
    return recipes.tuples(c) | changes


def test_a_run_of_pairs_keeps_its_tokenizer_and_ends_with_retrieval(tmp_path, capsys):
    config, workdir = recipe(tmp_path), str(tmp_path / "run")
    result = api.train(config, workdir)
    shown = capsys.readouterr().out
    assert "text to image, recall at 1" in shown and "linear probe" in shown and "kNN" not in shown
    for name in matching.NAMES:
        row = result[name]
        assert (row["raw_pixels"] is None) == ("text" in name) and 0 <= row["pretrained"] <= 1 and row["chance"] > 0
    kept = recipes.of_run(workdir)
    merges = {
        op["args"]["merges"] for v in kept["views"] + kept["clean"] for op in v["ops"] if op["name"] == "tokenize"
    }
    assert len(merges) == 1 and "\n" in merges.pop()
    texts = ["Red disc", "a gray ring", "red  disc\na disc in red"]
    pooled = ssl_jax.load(workdir, which="text").embed(texts)["pool"]
    assert pooled.shape == (3, 32) and np.isfinite(pooled).all() and not np.allclose(pooled[0], pooled[1])
    assert_allclose(pooled[0], pooled[2], atol=1e-6)  # lower case, single blanks, the first line
    with pytest.raises(ValueError, match="a string is no batch of texts"):
        ssl_jax.load(workdir, which="text").embed("red disc")
    image = ssl_jax.load(workdir)
    assert (image.which, image.embed(np.zeros((2, 9, 9, 3), np.uint8))["pool"].shape) == ("image", (2, 32))
    # the same recipe, which leaves the merges open, goes on; nothing is learned anew where it says which
    assert api.train({**config, "duration": "3 steps"}, workdir)["step"] == 3
    assert recipes.of_run(workdir)["views"] == kept["views"]
    assert api.evaluate(workdir)["text_to_image@5"]["pretrained"] == pytest.approx(
        json.loads((tmp_path / "run" / "result.json").read_text())["text_to_image@5"]["pretrained"]
    )


def test_a_net_that_lacks_tokens_is_refused(tmp_path):
    config = recipe(tmp_path)
    config["nets"]["text_encoder"]["vocabulary"] = 290
    with pytest.raises(ValueError, match="text_encoder.vocabulary is 290, and texts have up to 300 tokens"):
        api.train(config, str(tmp_path / "run"))


def test_data_without_captions_is_refused(tmp_path):
    config = recipe(tmp_path)
    config["data"] = dict(train="embedded:fashion_mnist", channels=1)
    with pytest.raises(ValueError, match="has no captions; an example of it has image"):
        api.train(config, str(tmp_path / "run"))
