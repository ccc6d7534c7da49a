"""Features of a dataset in a file: a row for every example, whatever could be read, and all of one request."""

import json
import shutil

import jax
import numpy as np
import pytest
import tensorflow as tf
from pyarrow import parquet

from ssl_jax import loop
from ssl_jax.cli import main
from ssl_jax.config import build, recipes, schema
from ssl_jax.data import sources
from ssl_jax.data.source import images
from ssl_jax.exporting import export
from ssl_jax.features import embedding, encoder
from ssl_jax.run import evaluation
from tests.features.test_encoder import CHANGES, few


def pictures(folder, names, unreadable=()):
    """A folder of gray PNGs, each of its own noise, of which some are empty files."""
    for i, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(i).integers(0, 256, (28, 28, 1), np.uint8)
        (folder / name).write_bytes(b"" if name in unreadable else tf.io.encode_png(noise).numpy())
    return folder


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    return pictures(tmp_path_factory.mktemp("three"), ["a/1.png", "a/2.png", "b/3.png"], ["a/2.png"])


@pytest.fixture(scope="module")
def loaded(exported):
    return encoder.load(str(exported))


@pytest.fixture(scope="module")
def features(loaded):
    """Of `few()`, by the images alone."""
    return loaded.embed(images(few(), np.arange(40)))["pool"]


def written(net, source, out, **options):
    return embedding.to_file(net, source, str(out), **{"batch": 8, "say": lambda *_: None, **options})


def contents(path):
    with np.load(path) as file:
        return {name: file[name] for name in file.files}


def right(rows, three, loaded):
    """What the three files must give, by the images one by one."""
    assert rows["index"].tolist() == [0, 1, 2] and rows["valid"].tolist() == [True, False, True]
    assert rows["labels"].tolist() == [0, 0, 1]
    assert rows["path"].tolist() == [str(three / name) for name in ("a/1.png", "a/2.png", "b/3.png")]
    alone = [tf.io.decode_png((three / name).read_bytes()).numpy() for name in ("a/1.png", "b/3.png")]
    np.testing.assert_allclose(rows["features"][[0, 2]], loaded.embed(alone)["pool"], rtol=1e-4, atol=1e-5)
    assert np.isnan(rows["features"][1]).all() and rows["features"].dtype == np.float32


def test_the_command_writes_a_row_for_every_file_and_names_the_unreadable(exported, three, loaded, tmp_path, capsys):
    flags = ["embed", f"--workdir={exported}", f"--data=folder:{three}"]
    for name in ("f.npz", "f.parquet"):
        assert main.main([*flags, f"--out={tmp_path / name}"]) == 0
        said = capsys.readouterr().out
        assert f"3 rows of folder:{three}, step 7, are in {tmp_path / name}" in said
        assert f", 1 of them unreadable (NaN, valid=False): {three / 'a/2.png'}\n" in said
    right(contents(tmp_path / "f.npz"), three, loaded)
    columns = parquet.read_table(tmp_path / "f.parquet").to_pydict()
    columns["labels"] = columns.pop("label")
    columns["features"] = np.array(columns["features"], np.float32)
    right({name: np.asarray(column) for name, column in columns.items()}, three, loaded)


def test_a_stream_has_them_too_and_evaluation_leaves_them_out(three, loaded):
    source = sources.open(f"folder:{three}")
    right(loaded.stream(source, batch=2)._asdict(), three, loaded)
    job = build.job(schema.resolve(recipes.override(schema.resolve(recipes.load("quickstart")), CHANGES)))
    means = lambda views: {"pool": views["clean"].mean((1, 2, 3))}  # noqa: E731
    x, y, valid = evaluation.read(job, loop.compiled(job), source, means)
    assert valid.tolist() == [True, False, True] and x.shape == (3, 1)
    assert np.isfinite(x[valid]).all() and np.isnan(x[~valid]).all()


def test_files_that_go_while_they_are_read_are_rows(loaded, tmp_path):
    folder = pictures(tmp_path / "photos", [f"{i}.png" for i in range(5)])
    source = sources.open(f"folder:{folder}")
    (folder / "3.png").unlink()
    rows = written(loaded, source, tmp_path / "f.npz")
    assert np.flatnonzero(~rows.valid).tolist() == [3] and rows.path[3] == str(folder / "3.png")


def test_a_hundred_unreadable_files_in_front_end_nothing(exported, tmp_path, capsys):
    names = [f"{i:03d}.png" for i in range(125)]
    folder = pictures(tmp_path / "photos", names, names[:120])
    flags = ["embed", f"--workdir={exported}", f"--data=folder:{folder}", f"--out={tmp_path / 'f.npz'}"]
    assert main.main(flags) == 0
    assert f"120 of them unreadable (NaN, valid=False): {folder / '000.png'}, " in capsys.readouterr().out
    rows = contents(tmp_path / "f.npz")
    np.testing.assert_array_equal(rows["valid"], np.arange(125) >= 120)
    np.testing.assert_array_equal(np.isfinite(rows["features"]).all(1), rows["valid"])


def test_nothing_but_unreadable_files_is_one_sentence(exported, loaded, tmp_path, capsys):
    folder = pictures(tmp_path / "photos", ["a.png", "b.png"], ["a.png", "b.png"])
    flags = ["embed", f"--workdir={exported}", f"--data=folder:{folder}", f"--out={tmp_path / 'f.npz'}"]
    assert main.main(flags) == 2
    said = capsys.readouterr().err
    assert f"ssl-jax: folder:{folder}: none of the 2 images can be read, as {folder}/a.png" in said
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]
    with pytest.raises(ValueError, match="none of the 2 images can be read"):
        loaded.stream(sources.open(f"folder:{folder}", channels=1), batch=2)


def test_features_that_are_no_numbers_are_told(exported, loaded, three, tmp_path, monkeypatch, capsys):
    params = jax.tree.map(lambda a: a * np.nan, loaded.params)
    monkeypatch.setattr(
        encoder, "load", lambda *_, **__: encoder.made(loaded.config, 7, "encoder", loaded.role, params, loaded.stats)
    )
    flags = ["embed", f"--workdir={exported}", f"--data=folder:{three}", f"--out={tmp_path / 'f.npz'}"]
    assert main.main(flags) == 0
    assert f"2 readable with features that are not finite: are the weights damaged? (valid=True): {three}" in (
        capsys.readouterr().out
    )


def test_images_are_decoded_to_the_channels_that_the_encoder_takes(exported, loaded, tmp_path, capsys):
    """As a recipe's test set is; without that word to the source it is one sentence."""
    gray = np.random.default_rng(0).integers(0, 256, (28, 28, 1), np.uint8)
    (tmp_path / "color.png").write_bytes(tf.io.encode_png(np.repeat(gray, 3, 2)).numpy())
    data = f"folder:{tmp_path}"
    assert main.main(["embed", f"--workdir={exported}", f"--data={data}", f"--out={tmp_path / 'f.npz'}"]) == 0
    ours = loaded.embed([gray])["pool"]
    np.testing.assert_allclose(contents(tmp_path / "f.npz")["features"], ours, rtol=1e-2, atol=1e-3)
    with pytest.raises(ValueError, match="has 3 channels, and the encoder takes 1"):
        loaded.stream(sources.open(data), batch=2)


def interrupted(net, source, out):
    """Leaves one part of the file."""

    def stop(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        written(net, source, out, say=stop)


def other_weights(net):
    return net._replace(params=jax.tree.map(lambda a: a * 2, net.params))


def other_view(net):
    view = net.config["clean"][0]
    return net._replace(config={**net.config, "clean": ({**view, "size": view["size"] + 1},)})


OTHERS = {
    "the weights '": (other_weights, lambda s: s),
    "the step 7 there and 6 here": (lambda net: net._replace(step=6), lambda s: s),
    "the encoder 'encoder' there and 'teacher' here": (lambda net: net._replace(which="teacher"), lambda s: s),
    "config.clean.0.size 24 there and 25 here": (other_view, lambda s: s),
    "config.photometric 'device' there and 'host' here": (
        lambda net: net._replace(config={**net.config, "photometric": "host"}),
        lambda s: s,
    ),
    "the dataset '.*' there and 'folder:elsewhere' here": (
        lambda net: net,
        lambda s: s._replace(name="folder:elsewhere"),
    ),
    "the files' times and sizes '.*' there and 'later' here": (lambda net: net, lambda s: s._replace(stamp="later")),
    "its listing ": (lambda net: net, lambda s: s._replace(digest="0" * 16)),
    "its bits 8 there and 16 here": (lambda net: net, lambda s: s._replace(parts={"image": s.image._replace(bits=16)})),
}


@pytest.mark.parametrize("sentence", OTHERS)
@pytest.mark.parametrize("whole", [False, True], ids=["parts", "file"])
def test_another_request_is_refused_with_what_differs(loaded, tmp_path, sentence, whole):
    net, source = (change(one) for change, one in zip(OTHERS[sentence], (loaded, few()), strict=True))
    out = tmp_path / "f.npz"
    (written if whole else interrupted)(loaded, few(), out)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.*") if path.is_file()}
    with pytest.raises(ValueError, match=sentence) as caught:
        written(net, source, out)
    way = f"remove {out}, or" if whole else f"remove the folder {out}.parts, or"
    assert way in str(caught.value) and str(caught.value).endswith("name another --out")
    assert before == {path: path.read_bytes() for path in tmp_path.rglob("*.*") if path.is_file()}


def test_other_files_of_the_same_names_are_another_request(loaded, tmp_path):
    """Two folders whose listings are equal."""
    one, two = (pictures(tmp_path / name, ["a.png", "b.png"]) for name in ("one", "two"))
    first, second = (sources.open(f"folder:{folder}") for folder in (one, two))
    assert first.digest == second.digest
    interrupted(loaded, first, tmp_path / "f.npz")
    with pytest.raises(ValueError, match="the dataset 'folder:.*one' there and 'folder:.*two' here"):
        written(loaded, second, tmp_path / "f.npz")


def test_an_exported_file_of_the_run_goes_on_and_one_of_other_weights_does_not(loaded, tmp_path):
    export.written(loaded, "npz", str(tmp_path / "a.npz"), verify=False)
    export.written(other_weights(loaded), "npz", str(tmp_path / "b.npz"), verify=False)
    same, other = (encoder.load(str(tmp_path / name)) for name in ("a.npz", "b.npz"))
    assert (same.step, same.digest) == (other.step, other.digest)
    interrupted(loaded, few(), tmp_path / "f.npz")
    with pytest.raises(ValueError, match="the weights '"):
        written(other, few(), tmp_path / "f.npz")
    assert written(same, few(), tmp_path / "f.npz").valid.all()


def test_another_batch_goes_on(features, loaded, tmp_path, monkeypatch):
    monkeypatch.setattr(embedding, "PART", 16)
    interrupted(loaded, few(), tmp_path / "f.npz")
    rows = written(loaded, few(), tmp_path / "f.npz", batch=5)
    np.testing.assert_allclose(rows.features, features, rtol=1e-4, atol=1e-5)


def test_damaged_parts_are_made_again(features, loaded, tmp_path, monkeypatch):
    monkeypatch.setattr(embedding, "PART", 16)
    out, rng = tmp_path / "f.npz", np.random.default_rng(0)
    interrupted(loaded, few(), out)
    (part,) = (tmp_path / "f.npz.parts").glob("*.npz")
    whole = part.read_bytes()
    for place in rng.integers(0, len(whole), 300):
        part.write_bytes(whole[:place] + bytes([whole[place] ^ (1 << int(place) % 8)]) + whole[place + 1 :])
        found = embedding._part(part, 16)
        assert found is None or all(map(np.array_equal, found, embedding._part(part, 16)))
        if found is not None:  # a bit of the zip's own, such as a time, that says nothing of the arrays
            np.testing.assert_allclose(found.features, features[:16], rtol=1e-4, atol=1e-5)
    for damage in (whole[: len(whole) // 2], b"", b"rubbish"):
        part.write_bytes(damage)
        np.testing.assert_allclose(written(loaded, few(), out).features, features, rtol=1e-4, atol=1e-5)
        out.unlink()
        interrupted(loaded, few(), out)


def test_a_finished_file_is_not_made_again_and_what_is_left_beside_it_goes(loaded, tmp_path):
    interrupted(loaded, few(), tmp_path / "f.npz")
    kept = shutil.copytree(tmp_path / "f.npz.parts", tmp_path / "kept")
    first = written(loaded, few(), tmp_path / "f.npz")
    shutil.move(kept, tmp_path / "f.npz.parts")  # as if it had been stopped before it could tidy up
    before = (tmp_path / "f.npz").stat().st_mtime_ns
    again = written(loaded._replace(outputs=None), few(), tmp_path / "f.npz")
    assert (tmp_path / "f.npz").stat().st_mtime_ns == before and len(list(tmp_path.iterdir())) == 1
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", ["f.npz", "f.parquet"])
def test_files_of_others_are_left_alone(loaded, tmp_path, name):
    out = tmp_path / name
    for data in (b"", b"mine"):
        out.write_bytes(data)
        with pytest.raises(ValueError, match="is there already, and holds no features that ssl-jax wrote"):
            written(loaded, few(), out)
        assert out.read_bytes() == data
    out.unlink()
    export.written(loaded, "npz", str(tmp_path / "weights.npz"), verify=False)
    with pytest.raises(ValueError, match="holds no features that ssl-jax wrote"):
        written(loaded, few(), tmp_path / "weights.npz")
    (tmp_path / f"{name}.parts").mkdir()
    (tmp_path / f"{name}.parts" / "diary.txt").write_text("mine")
    with pytest.raises(ValueError, match="holds files that do not say what they are of: remove the folder"):
        written(loaded, few(), out)
    assert (tmp_path / f"{name}.parts" / "diary.txt").read_text() == "mine"


def test_a_parquet_file_is_the_same_request_again(loaded, tmp_path):
    first = written(loaded, few(), tmp_path / "f.parquet")
    again = written(loaded._replace(outputs=None), few(), tmp_path / "f.parquet")
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, other)
    about = json.loads(parquet.read_schema(tmp_path / "f.parquet").metadata[b"ssl_jax"])
    assert about["the step"] == 7 and about["the dataset"] == few().name
