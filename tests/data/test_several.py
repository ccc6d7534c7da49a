"""Images of several classes: tables, Parquet and tensorflow_datasets say which, and sets are made alike by name."""

import json
import re

import numpy as np
import pyarrow as pa
import pytest
import tensorflow_datasets as tfds
from pyarrow import parquet

from ssl_jax.cli.main import main
from ssl_jax.data import classes, convert, sources
from ssl_jax.data.source import labeled
from tests import tfds_sets
from tests.data import forms

CELLS = ("cat|dog", "dog", "", "bird|?cat")
KNOWN = [[0, 1, 1], [0, 0, 1], [0, 0, 0], [1, -1, 0]]


def table(place, cells=CELLS, query="?labels=objects"):
    forms.folder(place, {f"{k}.png": forms.png(k) for k in range(len(cells))})
    lines = ["path\tobjects", *(f"set/{k}.png\t{cell}" for k, cell in enumerate(cells))]
    (place / "set.csv").write_text("\n".join(lines) + "\n")
    return sources.open(f"table:{place}/set.csv{query}")


@pytest.mark.parametrize("between", ["|", ";", ","])
def test_a_cell_has_several_classes(tmp_path, between):
    source = table(tmp_path, [cell.replace("|", between) for cell in CELLS])
    assert source.classes == ("bird", "cat", "dog") and source.multi_hot.tolist() == KNOWN
    assert source.labels.tolist() == [-1] * 4 and not labeled(source)
    some = sources.subset(source, [3, 0])
    assert some.multi_hot.tolist() == [KNOWN[3], KNOWN[0]] and source.digest != table(tmp_path, query="").digest
    parts = [sources.open(f"{part}:0.5*{source.name}") for part in ("held", "rest")]
    assert sum(part.multi_hot.sum() for part in parts) == np.sum(KNOWN)


def column(place, values, query="?labels=objects", **feature):
    made = pa.table({"image": pa.array([forms.png(k) for k in range(len(values))], pa.binary()), "objects": values})
    noted = {"info": {"features": {"objects": {"_type": "Sequence", "feature": feature}}}}
    parquet.write_table(made.replace_schema_metadata({"huggingface": json.dumps(noted)}), place / "a.parquet")
    return sources.open(f"parquet:{place}/a.parquet{query}")


def test_a_column_of_lists_has_names_or_numbers(tmp_path):
    names = column(tmp_path, pa.array([["cat", "dog"], ["dog"], [], ["bird", "?cat"]]))
    assert names.classes == ("bird", "cat", "dog") and names.multi_hot.tolist() == KNOWN
    numbers = column(tmp_path, pa.array([[1, 2], [2], None, [0]]), names=["bird", "cat", "dog"])
    assert numbers.classes == names.classes and numbers.multi_hot.tolist() == [*KNOWN[:2], [-1] * 3, [1, 0, 0]]
    bare = column(tmp_path, pa.array([[10, 2], [2]]))
    assert bare.classes == ("2", "10") and bare.multi_hot.tolist() == [[1, 1], [1, 0]]


@pytest.mark.parametrize("form", ["tfrecord", "array_record"])
def test_a_set_of_tensorflow_datasets_has_voc_s_labels(form, tmp_path):
    names = ["bird", "cat", "dog"]
    several = tfds.features.Sequence(tfds.features.ClassLabel(names=names))
    features = {"image": tfds.features.Image(shape=(8, 8, 3)), "labels": several, "labels_no_difficult": several}
    image = np.zeros((8, 8, 3), np.uint8)
    rows = [([1, 2], [1, 2]), ([2], [2]), ([], []), ([0, 1], [0])]
    rows = [dict(image=image + k, labels=a, labels_no_difficult=b) for k, (a, b) in enumerate(rows)]
    place = tfds_sets.store(tmp_path, features, rows, form)
    source = sources.open("tfds:little", data_dir=place)
    assert source.classes == tuple(names) and source.multi_hot.tolist() == KNOWN and not labeled(source)
    assert [int(image[0, 0, 0]) for image in sources.images(source, range(4))] == [0, 1, 2, 3]
    part = sources.open("tfds:little/train[2:]", data_dir=place)
    assert part.multi_hot.tolist() == KNOWN[2:]


def test_a_test_set_gets_the_columns_of_training(tmp_path):
    for name in ("train", "test"):
        (tmp_path / name).mkdir()
    train, test = table(tmp_path / "train"), table(tmp_path / "test", ["dog|fox", "?cat|dog"])
    mapped, said = classes.alike(train, test)
    assert mapped.classes == train.classes and mapped.multi_hot.tolist() == [[0, 0, 1], [0, -1, 1]]
    assert "lacks take no part in any score: fox" in said[0]
    with pytest.raises(ValueError, match="have no class in common"):
        classes.alike(train, table(tmp_path / "test", ["fox", "fox|owl"]))


@pytest.mark.parametrize(
    "made, said",
    [
        (lambda p: table(p, query="?labels=object"), "did you mean objects"),
        (lambda p: table(p, query="?labels=objects&label=objects"), "leave out one"),
        (lambda p: table(p, ["", ""]), "has no labels"),
        (lambda p: column(p, pa.array([1, 2])), "is int64; labels=COLUMN is of lists of whole numbers or names"),
        (lambda p: column(p, pa.array([[1.5]])), "labels=COLUMN is of lists"),
        (lambda p: column(p, pa.array([[1], [2]]), names=["a", "b"]), "has the label 2 and names for 2 classes"),
        (lambda p: column(p, pa.array([["a"]]), "?labels=objects&label=objects"), "leave out one"),
    ],
)
def test_what_cannot_be_is_one_sentence(made, said, tmp_path):
    with pytest.raises(ValueError, match=re.escape(said)):
        made(tmp_path)


def test_what_is_not_kept_is_said(tmp_path, capsys):
    for place in ("a", "b"):
        (tmp_path / place).mkdir()
    source, plain = table(tmp_path / "a"), table(tmp_path / "b", query="")
    mixed = sources.open(f"mix:1*{source.name}+1*{plain.name}")
    assert mixed.multi_hot is None and [source.name in notice for notice in mixed.notices] == [True]
    manifest = convert.convert(source, str(tmp_path / "out"))
    assert manifest["labels"] == [-1] * 4 and len(manifest["lost"]) == 1
    assert convert.convert(plain, str(tmp_path / "plain"))["lost"] == []
    main(["data", "convert", source.name, f"--to=arrayrecord:{tmp_path / 'again'}"])
    assert "has several classes of an image, which a conversion does not keep" in capsys.readouterr().out
