"""Meshes: what is read of files, whole or not, folders of them as sources, and batches of their points."""

import io
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from rich.console import Console

from configs import presets
from ssl_jax.data import check, meshes, sources, stream
from ssl_jax.data.parts import Points, spec
from ssl_jax.views import compose, compose_host
from tests import meshes as made

SHARED = Path(__file__).parents[3] / "shared" / "data" / "furniture"
TRIANGLE = "0 0 0\n1 0 0\n0 1 0\n"


def off(text: str) -> np.ndarray:
    return meshes.triangles(text.encode(), ".off")


def host(size=32, *, clean=False):
    return compose_host.host(compose.views(presets.evaluate_points(size) if clean else presets.points(size)))


def test_polygons_are_cut_into_triangles():
    found = off(made.box(1, 2, 3))
    assert found.shape == (12, 3, 3) and found.dtype == np.float32
    np.testing.assert_allclose(meshes.areas(found).sum(), 2 * (2 + 3 + 6))


@pytest.mark.parametrize(
    "text",
    [
        f"OFF\n3 1 0\n{TRIANGLE}3 0 1 2\n",
        f"OFF3 1 0\n{TRIANGLE}3 0 1 2\n",
        f"OFF 3 1 0\n{TRIANGLE}3 0 1 2",
        f"# by hand\nCOFF\n\n3 1\n{TRIANGLE.replace(chr(10), ' 255 0 0 # red' + chr(10))}3 0 1 2 255 0 0\n",
    ],
)
def test_ways_to_write_one_triangle(text):
    np.testing.assert_array_equal(off(text), [[[0, 0, 0], [1, 0, 0], [0, 1, 0]]])


@pytest.mark.parametrize(
    "text, sentence",
    [
        ("", "the file is empty"),
        (" \n", "the file is empty"),
        ("\x89PNG\r\n", "an OFF file begins with OFF"),
        ("OFF BINARY\n3 1 0\n", "damaged or cut off"),
        ("OFF\n", "damaged or cut off"),
        ("OFF\n3 1 0\n0 0 0\n1 0", "damaged or cut off"),
        (f"OFF\n3 2 0\n{TRIANGLE}3 0 1 2\n", "damaged or cut off, with 3 of its 3 vertices and 1 of its 2 faces"),
        (f"OFF\n3 1 0\n{TRIANGLE}3 0 1", "damaged or cut off"),
        (f"OFF\n3 1 0\n{TRIANGLE}3 0 1 x\n", "damaged or cut off"),
        (f"OFF\n3 0 0\n{TRIANGLE}", "no faces"),
        (f"OFF\n3 1 0\n{TRIANGLE}3 0 1 3\n", "none of its 3 vertices"),
        (f"OFF\n3 1 0\n{TRIANGLE}3 0 1 -1\n", "none of its 3 vertices"),
        (f"OFF\n3 1 0\n{TRIANGLE.replace('1 0 0', '1 nan 0')}3 0 1 2\n", "not finite"),
        (f"OFF\n3 1 0\n{TRIANGLE.replace('1 0 0', '1e60 0 0')}3 0 1 2\n", "not finite"),
        (f"OFF\n3 1 0\n{TRIANGLE}3 0 1 1\n", "no area"),
    ],
)
def test_what_is_no_mesh_is_one_sentence(text, sentence):
    with pytest.raises(ValueError, match=sentence) as error:
        off(text)
    assert "\n" not in str(error.value)


def test_a_mesh_cut_off_anywhere_is_none():
    whole = made.box(1, 2, 3)
    for length in range(len(whole) - 1):  # the last line break may go
        with pytest.raises(ValueError):
            off(whole[:length])


@pytest.mark.parametrize("suffix", [".obj", ".ply", ".stl"])
def test_other_formats_are_those_of_trimesh(suffix):
    trimesh = pytest.importorskip("trimesh")
    data = trimesh.creation.box((1, 2, 3)).export(file_type=suffix[1:])
    found = meshes.triangles(data if isinstance(data, bytes) else data.encode(), suffix)
    np.testing.assert_allclose(meshes.areas(found).sum(), 2 * (2 + 3 + 6), rtol=1e-6)
    with pytest.raises(ValueError, match=f"cannot be read as {suffix}|no faces"):
        meshes.triangles(data[:60] if isinstance(data, bytes) else data.encode()[:60], suffix)


def test_without_trimesh_one_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setattr(meshes, "trimesh", None)
    with pytest.raises(ValueError, match=r"a mesh in .ply needs the package trimesh: pip install 'ssl_jax\[meshes\]'"):
        meshes.triangles(b"ply", ".ply")
    assert len(off(made.box())) == 12


@pytest.fixture(scope="module")
def boxes(tmp_path_factory):
    return made.folder(tmp_path_factory.mktemp("boxes"))


def test_a_folder_of_meshes_is_a_source_of_surfaces(boxes):
    source = sources.open(f"folder:{boxes}?split=train")
    assert source.parts == {"points": Points(surface=True)} and source.size == 12
    assert source.classes == ("flat", "long") and source.labels.tolist() == [0] * 6 + [1] * 6
    raw, label = source.read(tf.constant(7, tf.int64))
    assert raw.shape == (12, 3, 3) and int(label) == 1 and spec(source.parts["points"]).shape.rank == 3
    assert source.describe(7) == str(boxes / "long" / "train" / "long_1.off")
    test = sources.open(f"folder:{boxes}?split=test")
    assert test.size == 4 and test.classes == source.classes and test.digest != source.digest


def test_splits_inside_of_classes_have_to_be_named(boxes):
    with pytest.raises(ValueError, match=r"its classes hold the splits test, train: name one, as in .*\?split=train"):
        sources.open(f"folder:{boxes}")
    with pytest.raises(ValueError, match="no 'trian' in the splits of folder:.*; did you mean train"):
        sources.open(f"folder:{boxes}?split=trian")
    with pytest.raises(ValueError, match="meshes, which have no channels"):
        sources.open(f"folder:{boxes}?split=train", channels=3)


def test_batches_are_a_function_of_the_seed_and_the_step(boxes):
    source = sources.open(f"folder:{boxes}?split=train")
    first = stream.batches(source, host(), batch=4, seed=1)
    _, two, three, four = (next(first) for _ in range(4))
    again = next(stream.batches(sources.open(source.name), host(), batch=4, seed=1, start=1))
    assert two["global"].shape == (4, 1, 32, 3) and two["global"].dtype == np.float32
    np.testing.assert_array_equal(two["global"], again["global"])
    rows = {int(i): x for b in (two, three) for i, x in zip(b["index"], b["global"], strict=True)}
    later = next(i for i, index in enumerate(four["index"]) if int(index) in rows)
    assert not np.array_equal(four["global"][later], rows[int(four["index"][later])]), "an epoch has other points"


def test_evaluation_shows_the_same_points_whatever_lies_beside(boxes):
    source = sources.open(f"folder:{boxes}?split=train")
    views = [next(stream.sequential(source, host(clean=True), batch=12, seed=seed))["clean"] for seed in (0, 1)]
    np.testing.assert_array_equal(*views)
    part = sources.subset(source, np.array([5, 2]))
    alone = next(stream.sequential(part, host(clean=True), batch=2))["clean"]
    np.testing.assert_array_equal(alone, views[0][[5, 2]])


def test_bad_meshes_are_replaced_by_their_successors_and_named(tmp_path):
    root = made.folder(tmp_path / "boxes")
    bad = root / "flat" / "train" / "flat_2.off"
    bad.write_text(bad.read_text()[:100])
    source = sources.open(f"folder:{root}?split=train")
    batch = next(stream.batches(source, host(), batch=12, seed=0))
    (row,) = np.flatnonzero(batch["replaced"] >= 0)
    assert batch["replaced"][row] == 2 and batch["index"][row] == 3 and np.isfinite(batch["global"]).all()
    whole = next(stream.sequential(source, host(clean=True), batch=12))
    assert np.flatnonzero(~whole["valid"]).tolist() == [2]
    for path in (root / name / "train" for name in ("flat", "long")):
        for file in path.iterdir():
            file.write_text("OFF\n")
    source = sources.open(f"folder:{root}?split=train")
    with pytest.raises(ValueError, match=r"cannot be read, as .*off: the OFF file is damaged or cut off") as error:
        next(stream.batches(source, host(), batch=4, seed=0))
    assert "\n" not in str(error.value)


def test_a_check_counts_triangles_and_says_what_is_wrong(tmp_path):
    root = made.folder(tmp_path / "boxes")
    (root / "flat" / "train" / "flat_2.off").write_text("OFF\n3 0 0\n" + TRIANGLE)
    report = check.check(sources.open(f"folder:{root}?split=train"))
    assert (report["examples"], report["readable"], report["triangles"]) == (12, 11, [12, 12, 12])
    assert report["labels"] == {"flat": 5, "long": 6}
    assert [(each["index"], each["reason"]) for each in report["corrupt"]] == [(2, "the mesh has no faces")]
    console = Console(width=200, file=io.StringIO())
    console.print(check.table(report))
    assert "12 to 12, median 12" in console.file.getvalue() and "height" not in console.file.getvalue()


def test_meshes_that_are_too_large_to_keep_are_read_again(boxes, monkeypatch):
    calls, read = [], meshes.triangles
    monkeypatch.setattr(meshes, "triangles", lambda *a: calls.append(a) or read(*a))
    for held, expected in ((2**20, 1), (0, 3)):
        monkeypatch.setattr("ssl_jax.data.folder.HELD", held)
        source, before = sources.open(f"folder:{boxes}?split=train"), len(calls)
        for _ in range(3):
            source.read(tf.constant(3, tf.int64))
        assert len(calls) - before == expected


@pytest.mark.skipif(not SHARED.exists(), reason="the meshes of furniture are not there")
def test_real_meshes_are_read_whole():
    trimesh = pytest.importorskip("trimesh")
    train, test = (sources.open(f"folder:{SHARED}?split={split}") for split in ("train", "test"))
    assert (train.size, test.size, len(train.classes)) == (263, 93, 13)
    assert train.notices == () and "1 of the 13 classes have no meshes: person" in test.notices[0]
    batch = next(stream.sequential(test, host(256, clean=True), batch=93))
    assert batch["valid"].all()
    np.testing.assert_allclose(np.linalg.norm(batch["clean"], axis=-1).max(-1), 1, rtol=1e-5)
    for index in range(0, train.size, 20):
        path = train.describe(index)
        theirs = trimesh.load_mesh(path, process=False)
        ours = meshes.areas(train.read(tf.constant(index, tf.int64))[0].numpy())
        np.testing.assert_allclose(ours.sum(), theirs.area, rtol=1e-4)
