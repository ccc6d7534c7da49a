"""Zip and tar files of images: classes as those of a folder, and what is refused, left out or replaced."""

import gzip
import io
import re
import shutil
import subprocess
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

from ssl_jax.data import sources
from ssl_jax.data.source import described, labeled
from tests.data import forms

both = pytest.mark.parametrize("packed", [forms.zipped, forms.tarred], ids=["zip", "tar"])


def encoded(source):
    return source.gather(np.arange(source.size))[0].numpy().tolist()


def pack(packed, place, *paths, **more):
    files = {path: forms.png(k) for k, path in enumerate(paths)}
    return packed(place, files | more.get("others", {}))


PLACES = [
    (["b/1.png", "a/x/2.JPG", "3.png"], "", ["3.png", "a/x/2.JPG", "b/1.png"], ["", "a", "b"]),
    (["p/b/1.png", "p/a/2.png"], "", ["p/a/2.png", "p/b/1.png"], ["a", "b"]),
    (["p/b/1.png", "p/a/2.png", "q/c/3.png"], "?folder=p", ["p/a/2.png", "p/b/1.png"], ["a", "b"]),
    (["p/1.png", "p/2.png"], "", ["p/1.png", "p/2.png"], ["p", "p"]),
    (["1.png", "2.png"], "", ["1.png", "2.png"], ["", ""]),
    (["train/a/1.png", "train/b/2.png", "test/a/3.png"], "?folder=test", ["test/a/3.png"], ["a"]),
    (
        ["a/train/1.png", "a/test/2.png", "b/train/3.png"],
        "?split=train",
        ["a/train/1.png", "b/train/3.png"],
        ["a", "b"],
    ),
    (
        ["./a/1.png", "__MACOSX/a/._1.png", "a/.h.png", "b/.h/2.png", "b/3.png"],
        "",
        ["./a/1.png", "b/3.png"],
        ["a", "b"],
    ),
]
"""What an archive holds, what is asked for, the images in their order, and the class of each."""


@both
@pytest.mark.parametrize("paths, query, names, classes", PLACES)
def test_classes_are_those_of_folders(tmp_path, packed, paths, query, names, classes):
    source = sources.open(pack(packed, tmp_path, *paths) + query)
    assert [name.partition(" of ")[0] for name in described(source, 0, source.size)] == names
    assert [source.classes[k] if k >= 0 else "" for k in source.labels] == classes and labeled(source) == any(classes)
    assert encoded(source) == [forms.png(paths.index(name)) for name in names]
    wrapped = not query and paths[0] == "p/b/1.png"
    assert [f"{source.name}: all images lie in p/, whose folders are the classes"] * wrapped == [*source.notices]


@both
def test_splits_are_refused_with_the_way_out(tmp_path, packed):
    text = pack(packed, tmp_path, "p/train/a/1.png", "p/train/b/2.png", "p/test/a/3.png")
    said = f"holds the splits test, train: name one, as in {text}?folder=p/test"
    with pytest.raises(ValueError, match=re.escape(said)):
        sources.open(text)
    assert sources.open(f"{text}?folder=p/test").size == 1
    inner = pack(packed, tmp_path, "a/train/1.png", "a/test/2.png", "b/train/3.png")
    with pytest.raises(ValueError, match=re.escape(f"name one, as in {inner}?split=train")):
        sources.open(inner)
    nowhere = ("?folder=nowhere", "no images in the folder nowhere"), ("?split=val", "no 'val' in the splits of")
    for query, said in nowhere:
        with pytest.raises(ValueError, match=said):
            sources.open(inner + query)


@both
def test_what_is_left_out_is_counted(tmp_path, packed):
    others = {"a/clip.mp4": b"0", "../out.png": forms.png(8), "/root.png": forms.png(9), "a/notes.txt": b"1"}
    source = sources.open(pack(packed, tmp_path, "a/1.png", "b/2.png", others=others))
    assert source.size == 2 and len(source.notices) == 2
    assert "left out, since their paths lead out of the archive: ../out.png, /root.png" in source.notices[0]
    assert "files of other kinds lie there too and are not read: 1 .mp4" in source.notices[1]


def test_paths_that_come_again_and_empty_classes(tmp_path):
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for path, k in (("a/1.png", 0), ("b/2.png", 1), ("a/1.png", 2)):
            archive.writestr(path, forms.png(k))
        archive.mkdir("empty")
    source = sources.open(f"zip:{tmp_path}/a.zip")
    assert source.size == 2 and source.classes == ("a", "b", "empty")
    assert "1 paths come again; the last of each is read" in source.notices[0]
    assert "1 of the 3 classes have no images: empty" in source.notices[1]
    assert encoded(source) == [forms.png(2), forms.png(1)]


def test_several_archives_are_one_folder(tmp_path):
    for k in range(2):
        (tmp_path / str(k)).mkdir()
        pack(forms.zipped, tmp_path / str(k), f"{'ba'[k]}/{k}.png")
    source = sources.open(f"zip:{tmp_path}/{{0,1}}/set.zip")
    assert source.classes == ("a", "b") and source.labels.tolist() == [0, 1]
    assert described(source, 0, 2) == [f"a/1.png of {tmp_path}/1/set.zip", f"b/0.png of {tmp_path}/0/set.zip"]


def test_an_archive_of_windows(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        info = zipfile.ZipInfo("x")
        info.filename, info.create_system = "a\\1.png", 0
        archive.writestr(info, forms.png(0))
        archive.writestr("b/2.png", forms.png(1))
    assert sources.open(f"zip:{tmp_path}/a.zip").classes == ("a", "b")


def test_a_damaged_member_is_replaced(tmp_path):
    text = pack(forms.zipped, tmp_path, *[f"a/{k}.png" for k in range(6)])
    path = tmp_path / "set.zip"
    with zipfile.ZipFile(path) as archive:
        places = [(info.header_offset, info.compress_size) for info in archive.infolist()]
    data = bytearray(path.read_bytes())
    for k, shift in ((2, 60), (3, 60)):  # a stored one, and a deflated one
        data[places[k][0] + shift] ^= 0xFF
    data[places[5][0]] = 0
    path.write_bytes(data)
    source = sources.open(text, channels=3, bits=8)
    assert [len(each) > 0 for each in encoded(source)] == [True, True, False, False, True, False]


@both
def test_what_cannot_be_opened_is_refused(tmp_path, packed):
    kind = packed.__name__[:3]
    text = pack(packed, tmp_path, *[f"{'ab'[k % 2]}/{k}.png" for k in range(40)])
    path = tmp_path / f"set.{kind}"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    if kind == "tar":
        source = sources.open(text)
        assert 10 < source.size < 30 and "ends early or is damaged; what lies before" in source.notices[0]
    else:
        with pytest.raises(ValueError, match="set.zip is no zip file, or ends early: the directory at its end"):
            sources.open(text)
    path.write_bytes(gzip.compress(whole))
    said = "compressed, so that nothing in it can be read alone; unpack it" if kind == "tar" else "is no zip file"
    with pytest.raises(ValueError, match=said):
        sources.open(text)
    with pytest.raises(ValueError, match="no file matches"):
        sources.open(f"{kind}:{tmp_path}/none.{kind}")
    with pytest.raises(ValueError, match="no 'fold' in the options of .*; did you mean folder"):
        sources.open(f"{text}?fold=a")
    pack(packed, tmp_path, "a/1.txt")
    with pytest.raises(ValueError, match="no images there; those that are looked for end in .png"):
        sources.open(text)


def test_images_that_are_encrypted_or_packed_otherwise(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_BZIP2) as archive:
        for k in range(3):
            archive.writestr(f"a/{k}.png", forms.png(k))
    with pytest.raises(ValueError, match="a/0.png and 2 more are packed neither stored nor deflated; unpack it"):
        sources.open(f"zip:{path}")
    pack(forms.zipped, tmp_path, "a/1.png", "b/2.png")
    data = bytearray((tmp_path / "set.zip").read_bytes())
    at = data.index(b"PK\x01\x02")
    data[at + 8] |= 1
    (tmp_path / "set.zip").write_bytes(data)
    with pytest.raises(ValueError, match="a/1.png is encrypted; unpack it with its password and read the folder"):
        sources.open(f"zip:{tmp_path}/set.zip")


def test_links_in_a_tar_are_left_out(tmp_path):
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        for k, path in enumerate(("a/1.png", "b/2.png")):
            info = tarfile.TarInfo(path)
            info.size = len(forms.png(k))
            archive.addfile(info, io.BytesIO(forms.png(k)))
        link = tarfile.TarInfo("c/3.png")
        link.type, link.linkname = tarfile.SYMTYPE, "../a/1.png"
        archive.addfile(link)
    source = sources.open(f"tar:{tmp_path}/a.tar")
    assert source.size == 2 and "left out, since they are not files (links, pipes): c/3.png" in source.notices[0]


@pytest.mark.skipif(not shutil.which("zip"), reason="needs the program zip")
def test_what_the_program_zip_writes(tmp_path):
    forms.folder(tmp_path, forms.pictures())
    subprocess.run(["zip", "-qr", "set.zip", "set"], cwd=tmp_path, check=True)
    source, other = (sources.open(f"{kind}:{tmp_path}/set{end}") for kind, end in (("zip", ".zip"), ("folder", "")))
    assert (source.size, source.classes) == (other.size, other.classes)
    for one, two in zip(sources.images(source, range(23)), sources.images(other, range(23)), strict=True):
        np.testing.assert_array_equal(one, two)


EMOJI = Path(__file__).parents[3] / "shared" / "data" / "emoji"


@pytest.mark.skipif(not EMOJI.is_dir(), reason="the emoji are not there: ../shared/data/emoji")
def test_real_shards_as_plain_tars():
    """Their pictures are those that WebDataset's layout gives, and nothing else is seen."""
    plain, pairs = (sources.open(f"{kind}:{EMOJI}/test-*.tar", channels=4, bits=8) for kind in ("tar", "wds"))
    keys = [name.partition(" of ")[0] for name in described(pairs, 0, pairs.size)]
    places = {name.partition(" of ")[0].rpartition(".")[0]: k for k, name in enumerate(described(plain, 0, plain.size))}
    assert plain.size == pairs.size == 762 and plain.notices == () and not labeled(plain)
    for k in (0, 100, 761):
        one, two = sources.images(plain, [places[keys[k]]]), sources.images(pairs, [k])
        np.testing.assert_array_equal(one[0], two[0])
