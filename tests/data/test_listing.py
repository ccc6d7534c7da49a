"""Folders as they are found: links in circles, odd names, empty classes, splits beside classes."""

import io
import json
import os
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from etils import epath

from ssl_jax.cli import main
from ssl_jax.config import build, recipes, schema
from ssl_jax.data import check, convert, encoded, listing, sources
from ssl_jax.data.folder import folder
from ssl_jax.data.source import read_image


def image(root, *paths):
    """A PNG of a color of its own at each path, which is str or bytes."""
    for k, path in enumerate(paths):
        place = os.path.join(os.fsencode(root), os.fsencode(path))
        os.makedirs(os.path.dirname(place), exist_ok=True)
        with open(place, "wb") as file:
            file.write(tf.io.encode_png(np.full((4, 4, 3), k + 1, np.uint8)).numpy())


def names(root):
    return [folder(str(root)).describe(k)[len(str(root)) + 1 :] for k in range(folder(str(root)).size)]


def test_a_link_to_a_folder_above_is_followed_once(tmp_path):
    image(tmp_path, "a/1.png", "a/2.png", "b/3.png")
    (tmp_path / "a" / "up").symlink_to("..")
    (tmp_path / "b" / "self").symlink_to(".")
    source = folder(str(tmp_path))
    assert names(tmp_path) == ["a/1.png", "a/2.png", "b/3.png"] and source.classes == ("a", "b")
    said = "links not followed, since their folders are listed already: a/up (listed as the folder itself), b/self"
    assert [said in note for note in source.notices] == [True]
    assert sources.subset(source, [0]).notices == source.notices


def test_real_paths_come_before_links_and_links_in_sorted_order(tmp_path):
    root, other = tmp_path / "root", tmp_path / "other"
    image(root, "z/1.png")
    image(other, "deep/2.png")
    (root / "a").symlink_to("z")  # its place in the order of names comes before the real folder
    for name in ("y", "c", "x"):
        (root / name).symlink_to(other)
    source = folder(str(root))
    assert names(root) == ["c/deep/2.png", "z/1.png"] and source.classes == ("c", "z")
    (said,) = source.notices
    assert "not followed" in said and "a (listed as z), x (listed as c), y (listed as c)" in said


def test_links_that_contain_each_other(tmp_path):
    root, other = tmp_path / "root", tmp_path / "other"
    image(other, "in/1.png", "2.png")
    (root / "c").mkdir(parents=True)
    (root / "c" / "all").symlink_to(other)
    (root / "c" / "part").symlink_to(other / "in")
    (other / "back").symlink_to(root)
    assert names(root) == ["c/all/2.png", "c/all/in/1.png"]


def test_what_is_no_file_is_left_out_and_told(tmp_path, capsys):
    image(tmp_path, "a/1.png", "a/dir.jpg/2.PNG")
    (tmp_path / "a" / "gone.jpg").symlink_to("nowhere.jpg")
    (tmp_path / "a" / "round.jpg").symlink_to("round.jpg")
    os.mkfifo(tmp_path / "a" / "pipe.png")
    source = folder(str(tmp_path))
    assert names(tmp_path) == ["a/1.png", "a/dir.jpg/2.PNG"]
    assert "left out, since they are not files" in source.notices[0]
    assert "a/gone.jpg, a/pipe.png, a/round.jpg" in source.notices[0]


def test_an_empty_class_keeps_its_number(tmp_path):
    for split, filled in (("train", "bc"), ("val", "abc")):
        image(tmp_path / split, *(f"{part}/x.png" for part in filled))
        for part in ("a/inner", ".hidden", "d"):
            (tmp_path / split / part).mkdir(parents=True, exist_ok=True)
    train, val = (folder(str(tmp_path / split)) for split in ("train", "val"))
    assert train.classes == val.classes == ("a", "b", "c", "d")
    assert train.labels.tolist() == [1, 2] and val.labels.tolist() == [0, 1, 2]
    assert train.notices == (f"folder:{tmp_path}/train: 2 of the 4 classes have no images: a, d",)
    assert sources.labeled(train)
    pytest.importorskip("array_record")
    convert.convert(train, str(tmp_path / "shards"))
    made = sources.open(f"arrayrecord:{tmp_path}/shards")
    assert made.classes == train.classes and made.labels.tolist() == [1, 2]


def test_loose_images_beside_an_empty_folder_have_no_classes(tmp_path):
    image(tmp_path, "1.png", "2.png")
    (tmp_path / "train").mkdir()
    source = folder(str(tmp_path))
    assert source.classes == () and source.labels.tolist() == [-1, -1] and source.notices == ()


@pytest.mark.parametrize(
    "paths, splits",
    [
        (["train/cat/1.png", "test/cat/1.png", "unlabeled/1.png"], "test, train, unlabeled"),
        (["train/1.png", "test/1.png"], "test, train"),
        (["Train/cat/1.png", "devkit/notes.txt"], "Train"),
        (["cat/1.png", "train/2.png", "extra/1.png"], "extra, train"),
        (["train/cat/1.png", "train/dog/1.png", "masks/1.png"], "train"),
        (["unlabeled/1.png"], "unlabeled"),
    ],
)
def test_splits_beside_classes_are_refused(tmp_path, paths, splits):
    image(tmp_path, *paths)
    said = f"holds the splits {splits}: name one, as in folder:{tmp_path}/{splits.split(', ')[0]} "
    with pytest.raises(ValueError, match=said):
        folder(str(tmp_path))


@pytest.mark.parametrize(
    "paths",
    [
        ["bus/1.png", "car/1.png", "train/1.png"],  # the classes of COCO
        ["bus/1.png", "train/steam/1.png"],
        ["bus/1.png", "train/steam/1.png", "train/diesel/1.png", "train/2.png"],
        ["invalid/1.png", "valid/1.png"],
        ["test1/1.png", "test2/1.png"],
    ],
)
def test_a_class_can_be_called_as_a_split_is(tmp_path, paths):
    image(tmp_path, *paths)
    assert folder(str(tmp_path)).classes == tuple(sorted({path.split("/")[0] for path in paths}))


ODD = [
    *(b"caf\xe9/\xff.jpg", b"caf\xe9/a.PNG"),
    *("new\nline/x\ny.png", "-dash/-x.png", "a b/ c .png", "50%/#%20%s.png", "\U0001f600/\u00e9\U0001f600.JPEG"),
    *("long/" + "n" * 251 + ".png", "a\\b/c\\d.png", "'quoted'/\"x\".png", "[red]/{0}.png", "*/?.png"),
]


def test_odd_names_are_read_as_others_are(tmp_path):
    image(tmp_path, *ODD)
    source = folder(str(tmp_path))
    assert source.size == len(ODD) and len(source.classes) == len({os.fsencode(p).split(b"/")[0] for p in ODD})
    seen = {int(read_image(source, tf.constant(k, tf.int64))[0][0, 0, 0]) for k in range(source.size)}
    assert seen == set(range(1, len(ODD) + 1)), "each file is read, and each is another one"
    text = "\n".join([*map(source.describe, range(source.size)), *source.classes])
    assert text.isprintable() or text.replace("\n", "").isprintable()
    assert f"{tmp_path}/caf\\xe9/\\xff.jpg" in text and "new\\nline/x\\ny.png" in text
    assert folder(str(tmp_path)).digest == source.digest
    report = check.check(source)
    assert report["corrupt"] == [] and json.dumps(report).isascii()
    console = check.Console(file=io.TextIOWrapper(io.BytesIO(), encoding="utf-8"))
    console.print(check.table(report))


def test_odd_names_are_converted(tmp_path):
    pytest.importorskip("array_record")
    image(tmp_path / "set", *ODD)
    source = folder(str(tmp_path / "set"))
    convert.convert(source, str(tmp_path / "out"))
    made = sources.open(f"arrayrecord:{tmp_path}/out")
    assert made.size == len(ODD) and made.classes == source.classes and np.array_equal(made.labels, source.labels)
    assert [made.describe(k).endswith(f"({source.describe(k)})") for k in range(made.size)] == [True] * len(ODD)


def test_a_root_whose_name_is_no_utf8(tmp_path):
    root = os.fsdecode(os.path.join(os.fsencode(tmp_path), b"caf\xe9"))
    image(root, "a/1.png")
    source = folder(root)
    assert source.name == f"folder:{tmp_path}/caf\\xe9" and source.describe(0).endswith("caf\\xe9/a/1.png")
    assert int(read_image(source, tf.constant(0, tf.int64))[0][0, 0, 0]) == 1


LIST = """
import os, sys
import numpy as np
from etils import epath
from ssl_jax.data import listing, contents
os.setuid(65534)
try:
    names, sizes, times, *_ = listing.images(epath.Path("."), "folder:x")
    print(contents.compared(names, sizes, times, names.__getitem__)[0], names)
except ValueError as error:
    print(error)
"""


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs a superuser to become another user")
def test_without_permission(tmp_path):
    """A file is listed, as one that cannot be read; a folder is a sentence, not fewer images."""

    def said():
        quiet = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": os.getcwd()}
        command = [sys.executable, "-c", LIST]
        done = subprocess.run(command, capture_output=True, text=True, env=quiet, cwd=tmp_path)
        return done.stdout + done.stderr[-300:]

    image(tmp_path, "a/1.png", "b/2.png")
    tmp_path.chmod(0o755)
    whole = said()
    (tmp_path / "a" / "1.png").chmod(0)
    assert said().split(" ", 1)[1] == whole.split(" ", 1)[1] == "['a/1.png', 'b/2.png']\n"
    assert said() != whole
    (tmp_path / "b").chmod(0)
    assert "folder:x: the folder b cannot be listed" in said() and "Permission denied" in said()


def test_a_bucket_is_listed_as_a_folder_is(tmp_path):
    image(tmp_path, "b/2.png", "a/deep/1.png", "a-b/3.png", "x.png", ".h/1.png", "a/.h/1.png", "a/.h.png")
    (tmp_path / "c").mkdir()
    (tmp_path / "a" / "notes.txt").write_text("no image")
    (tmp_path / "a" / "chair.off").write_text("no image either")
    found = listing._remote(str(tmp_path), "folder:x", encoded.SUFFIXES, (".off",))
    files, sizes, times, folders, notes, _ = listing._sorted(*found)
    here = listing.images(epath.Path(tmp_path), "folder:x")
    assert files == here.names == ["a-b/3.png", "a/deep/1.png", "b/2.png", "x.png"]
    assert folders == here.folders == ["a", "a-b", "b", "c"]
    assert notes == ("folder:x: files of other kinds lie there too and are not read: 1 .off",)
    assert sizes.tolist() == times.tolist() == [-1] * 4 and (here.sizes > 0).all() and (here.times > 0).all()


def test_notes_are_said(tmp_path, capsys):
    image(tmp_path, "a/1.png")
    (tmp_path / "a" / "up").symlink_to("..")
    (tmp_path / "[b]").mkdir()
    assert main.main(["data", "check", f"folder:{tmp_path}"]) == 0
    said = capsys.readouterr().out
    assert f"note: folder:{tmp_path}: links not followed, since their folders are listed already: a/up" in said
    assert f"note: folder:{tmp_path}: 1 of the 2 classes have no images: [b]" in said
    assert main.main(["data", "check", f"folder:{tmp_path}", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["notices"]) == 2


def test_files_of_other_kinds_are_counted(tmp_path):
    image(tmp_path, "a/1.png")
    for path in ("a/film.MP4", "b/film.mp4", "b/chair.off", "b/notes.txt", ".h.mp4"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(b"")
    said = "files of other kinds lie there too and are not read"
    assert f"folder:{tmp_path}: {said}: 2 .mp4, 1 .off" in folder(str(tmp_path)).notices
    (tmp_path / "a" / "1.png").unlink()
    films = folder(str(tmp_path))
    assert list(films.parts) == ["clip"] and f"folder:{tmp_path}: {said}: 1 .off" in films.notices


def test_names_are_printed_as_they_are(tmp_path, capsys, monkeypatch):
    """Rich would make a picture of :train: and a style of [b]."""
    monkeypatch.chdir(tmp_path)
    image(tmp_path, "train/[b]/1.png")
    (tmp_path / "train" / "c").mkdir()
    assert main.main(["data", "check", "folder:train"]) == 0
    said = capsys.readouterr().out
    assert "note: folder:train: 1 of the 2 classes have no images: c" in said and "[b]: 1" in said


def test_notes_are_said_before_a_run(tmp_path):
    image(tmp_path, *(f"{part}/{k}.png" for part in "ac" for k in range(2)))
    (tmp_path / "b").mkdir()
    changes = {
        "data.train": f"folder:{tmp_path}",
        "data.test": "",
        "data.channels": "1",
        "batch": "2",
        "evaluation.every": "never",
    }
    config = schema.resolve(recipes.override(schema.resolve(recipes.load("quickstart")), changes))
    assert build.job(config).notices == (f"folder:{tmp_path}: 1 of the 3 classes have no images: b",)
