"""Files that a list or a table names: classes, what is missing, and what is refused."""

import re
import sys

import numpy as np
import pytest
from PIL import Image

from ssl_jax.data import sources
from ssl_jax.data.source import described


@pytest.fixture
def place(tmp_path):
    for path in ("a/1.png", "a/2 b.png", "b/3.png", "c/4.png", "5.png"):
        (tmp_path / "set" / path).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (6, 6), (10, 0, 0)).save(tmp_path / "set" / path)
    return tmp_path


def names(source):
    return [name.partition("/set/")[2] for name in described(source, 0, source.size)]


def listed(place, *lines):
    (place / "list.txt").write_text("\n".join(lines) + "\n")
    return sources.open(f"folder:{place}/set?list={place}/list.txt")


@pytest.mark.parametrize(
    "lines, paths, classes, labels",
    [
        (["b/3.png", "a/1.png", "5.png"], ["b/3.png", "a/1.png", "5.png"], ("a", "b", "c"), [1, 0, -1]),
        (["b/3.png y z", "a/2 b.png x", "5.png"], ["b/3.png", "a/2 b.png", "5.png"], ("x", "y z"), [1, 0, -1]),
        (["a/2 b.png\tdog", "a/1.png\t"], ["a/2 b.png", "a/1.png"], ("dog",), [0, -1]),
        (["a/1.png 10", "./b/3.png  9", "", "a/1.png 2\r"], ["a/1.png", "b/3.png", "a/1.png"], (), [10, 9, 2]),
        (["b\\3.png"], ["b/3.png"], ("a", "b", "c"), [1]),
    ],
)
def test_lines_of_a_list(place, lines, paths, classes, labels):
    source = listed(place, *lines)
    assert (names(source), source.classes, source.labels.tolist()) == (paths, classes, labels)
    assert listed(place, *lines[::-1]).digest != source.digest or len(lines) == 1


def test_a_list_beside_absolute_paths_and_other_kinds(place):
    source = listed(place, f"{place}/set/a/1.png", "movie.mp4", "notes.txt", "b/3.png")
    assert names(source) == ["a/1.png", "b/3.png"]
    assert "2 of 4 lines of the list are of other kinds and are not read: movie.mp4, notes.txt" in source.notices[0]


def test_folders_of_a_list_that_are_splits_are_no_classes(place):
    for name in ("train", "val"):
        (place / "set" / name).mkdir()
        (place / "set" / "a" / "1.png").rename(place / "set" / name / "x.png")
        Image.new("RGB", (6, 6)).save(place / "set" / "a" / "1.png")
    source = listed(place, "train/x.png", "val/x.png")
    assert source.classes == () and source.labels.tolist() == [-1, -1]
    assert "folders are splits and no classes there; write a class behind each path" in source.notices[0]
    assert listed(place, "train/x.png cat", "val/x.png dog").classes == ("cat", "dog")


def test_files_that_are_not_there_are_counted_and_replaced(place):
    source = listed(place, "a/1.png", "a/0.png", "b/3.png", "nowhere/0.png")
    assert source.size == 4 and source.classes == ("a", "b", "c", "nowhere")
    said = "2 of 4 files are not there and are replaced as images that cannot be read are: a/0.png, nowhere/0.png"
    assert said in source.notices[0]
    with pytest.raises(ValueError, match="none of the 2 files is in .*/set, as x.png"):
        listed(place, "x.png", "y.png")


@pytest.mark.parametrize("path", ["../list.png", "a/../../x.png", "/etc/x.png", "gs://b/x.png"])
def test_paths_that_lead_out(place, path):
    said = f"the path {path} leads out of {place}/set; name a folder above all of them"
    with pytest.raises(ValueError, match=re.escape(said)):
        listed(place, "a/1.png", path)


def test_lists_that_are_none(place):
    with pytest.raises(ValueError, match="there is no list /no/list.txt"):
        sources.open(f"folder:{place}/set?list=/no/list.txt")
    with pytest.raises(ValueError, match="the list .*/list.txt has no lines"):
        listed(place, " ", "")
    with pytest.raises(ValueError, match="no images there"):
        listed(place, "a.txt")
    with pytest.raises(ValueError, match="a list and a split both say which files are read"):
        sources.open(f"folder:{place}/set?list={place}/list.txt&split=train")


def table(place, text, query="", kind="csv"):
    (place / "t.csv").write_text(text)
    return sources.open(f"{kind}:{place}/t.csv{query}")


@pytest.mark.parametrize(
    "text, query, classes, labels",
    [
        ("path,label\nset/a/1.png,dog\nset/b/3.png,cat\n", "", ("cat", "dog"), [1, 0]),
        ("label;file_name\n7;set/a/1.png\n;set/b/3.png\n", "", (), [7, -1]),
        ("filename\tkind\nset/a/1.png\tx\nset/b/3.png\t\n", "?label=kind", ("x",), [0, -1]),
        ("path,label\n1.png,2.0\n2 b.png,\n", "?root={place}/set/a", (), [2, -1]),
        ('path,label\n"set/a/1.png","a, ""b""\nc"\nset/b/3.png,x\n', "", ('a, "b"\\nc', "x"), [0, 1]),
        ("\ufeffpath\nset/a/1.png\nset/b/3.png\n", "", (), [-1, -1]),
        ("path,label,split\nset/a/1.png,x,train\nset/b/3.png,y,test\n", "?split=test", ("y",), [0]),
    ],
)
def test_labels_of_a_table(place, text, query, classes, labels):
    source = table(place, text, query.format(place=place))
    assert (source.classes, source.labels.tolist(), source.notices) == (classes, labels, ())
    assert source.targets is None and sources.images(source, [0])[0].shape == (6, 6, 3)


def test_a_table_with_both(place):
    text = "path,label,target\nset/a/1.png,x,1.5\nset/b/3.png,y,\n"
    source = table(place, text, kind="table")
    assert source.classes == ("x", "y") and source.name.startswith("table:")
    np.testing.assert_array_equal(source.targets[:, 0], [1.5, np.nan])
    assert table(place, text.replace("1.5", "1.6"), kind="table").digest != source.digest


@pytest.mark.parametrize(
    "text, query, said",
    [
        (
            "path,label\n../x.png,a\n",
            "",
            "the path ../x.png leads out of {place}; name the folder that has all",
        ),
        ("path,label\n", "", "there are no lines below the first, which names the columns"),
        ("", "", "there are no lines below the first"),
        (
            "path,label\nset/a/1.png,0.5\n",
            "",
            "the list of labels has the number 0.5, which is no label; numbers to",
        ),
        ("set/a/1.png,x\nset/b/3.png,y\n", "", "no 'path' in the columns; there are set/a/1.png, x"),
        ("path\nset/a/1.png\n", "?label=kind", "no 'kind' in the columns; there are path"),
        ("path,label\nset/a/0.png,x\n", "", "none of the 1 files is in {place}, as set/a/0.png"),
        ("path,label\nset/a/1.png,x\n", "?lable=x", "no 'lable' in the options of csv; did you mean label"),
    ],
)
def test_tables_that_are_refused(place, text, query, said):
    with pytest.raises(ValueError, match=re.escape(said.format(place=place))):
        table(place, text, query)


def test_pyarrow_is_named_where_it_is_missing(monkeypatch):
    for module in [*sys.modules]:
        if module.startswith("ssl_jax.data") and module.endswith(("_source", "_face", "columns", "pages")):
            monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ValueError, match=re.escape("hf:x is read with pyarrow: pip install 'ssl_jax[parquet]'")):
        sources.open("hf:x")
