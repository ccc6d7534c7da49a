"""Parquet files and saved Hugging Face sets: which columns are meant, what labels are, and what is refused."""

import json
import re
import shutil

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import ipc, parquet

from ssl_jax.data import parquet_source, sources
from ssl_jax.data.source import described
from tests.data import forms

PNG = [forms.png(k) for k in range(4)]
PLAIN = pa.array(PNG, pa.binary())
STRUCT = pa.array([{"bytes": data, "path": f"{k}.png"} for k, data in enumerate(PNG)], forms.BYTES)


def noted(table, **features):
    """What `datasets` would note of these columns."""
    return table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})


def opened(place, columns, query="", **features):
    table = pa.table(columns)
    parquet.write_table(noted(table, **features) if features else table, place / "a.parquet")
    return sources.open(f"parquet:{place}/a.parquet{query}")


@pytest.mark.parametrize(
    "columns, query",
    [
        (dict(picture=PLAIN), ""),
        (dict(png=PLAIN.cast(pa.large_binary())), ""),
        (dict(image=STRUCT, mask=PLAIN), ""),
        (dict(image=PLAIN[::-1], mask=STRUCT), "?image=mask"),
        (dict(a=STRUCT), "?image=a"),
    ],
)
def test_the_column_of_images(tmp_path, columns, query):
    source = opened(tmp_path, columns, query)
    raw, _ = source.gather(np.arange(4, dtype=np.int64))
    assert raw.numpy().tolist() == PNG and source.labels.tolist() == [-1] * 4
    assert all(f"row 3 of {tmp_path}/a.parquet" in name for name in described(source, 3, 4))
    assert ("mask" in str(source.notices)) == ("mask" in columns and not query)


@pytest.mark.parametrize("held", [0, 2**20])
def test_small_sets_are_held_and_large_ones_read_by_pages(tmp_path, monkeypatch, held):
    monkeypatch.setattr(parquet_source, "HELD", held)
    source = opened(tmp_path, dict(image=STRUCT))
    assert source.gather(np.array([2, 0, 2]))[0].numpy().tolist() == [PNG[2], PNG[0], PNG[2]]


@pytest.mark.parametrize(
    "column, labels, classes",
    [
        (pa.array([2, 0, None, -1]), [2, 0, -1, -1], ()),
        (pa.array([2, 0, 1, 1], pa.uint8()), [2, 0, 1, 1], ()),
        (pa.array([True, False, None, True]), [1, 0, -1, 1], ()),
        (pa.array(["b", "a", None, "b"]), [1, 0, -1, 1], ("a", "b")),
        (pa.array(["b", "a", "", "b"]).dictionary_encode(), [1, 0, -1, 1], ("a", "b")),
        (pa.array(["10", "9", "0", "10"], pa.large_string()), [10, 9, 0, 10], ()),
    ],
)
def test_labels(tmp_path, column, labels, classes):
    source = opened(tmp_path, dict(image=PLAIN, label=column))
    assert source.labels.tolist() == labels and source.classes == classes and source.notices == ()
    assert opened(tmp_path, dict(image=PLAIN, kind=column), "?label=kind").labels.tolist() == labels
    assert opened(tmp_path, dict(image=PLAIN, kind=column)).labels.tolist() == [-1] * 4


def test_names_of_classes_and_several_labels(tmp_path):
    names = dict(_type="ClassLabel", names=["x", "y", "z"])
    columns = dict(image=STRUCT, fine=pa.array([2, 0, 1, -1]), coarse=pa.array([0, 0, 1, 1]))
    picture = dict(_type="Image")
    source = opened(tmp_path, columns, image=picture, fine=names)
    assert source.classes == ("x", "y", "z") and source.labels.tolist() == [2, 0, 1, -1]
    source = opened(tmp_path, columns, image=picture, fine=names, coarse=names)
    assert source.classes == () and "fine, coarse are labels; none is read unless" in source.notices[0]
    assert opened(tmp_path, columns, "?label=coarse", image=picture, fine=names, coarse=names).labels[2] == 1
    with pytest.raises(ValueError, match="'fine' has the label 2 and names for 2 classes"):
        opened(tmp_path, columns, "?label=fine", fine=dict(_type="ClassLabel", names=["x", "y"]))


def test_numbers_to_be_predicted(tmp_path):
    columns = dict(image=PLAIN, age=pa.array([1.5, None, 3, 4]), label=pa.array([[1], [2], [3], [4]]))
    source = opened(tmp_path, columns, "?target=age")
    np.testing.assert_array_equal(source.targets[:, 0], [1.5, np.nan, 3, 4])
    assert "the column 'label' is list<" in source.notices[0]
    assert source.digest != opened(tmp_path, columns).digest


@pytest.mark.parametrize(
    "columns, query, said",
    [
        (dict(a=PLAIN, b=PLAIN), "", "the columns a, b may all hold images: name one, as in image=a"),
        (dict(a=pa.array(["x"] * 4)), "", "no column holds encoded images (bytes of files); there are a (string)"),
        (dict(image=PLAIN), "?image=imag", "no 'imag' in the columns; did you mean image?"),
        (dict(image=PLAIN), "?label=kind", "no 'kind' in the columns; there are image"),
        (dict(image=PLAIN), "?lable=kind", "no 'lable' in the options of parquet; did you mean label"),
        (dict(image=PLAIN, n=pa.array([1] * 4)), "?image=n", "the column 'n' is int64, which holds no encoded images"),
        (dict(image=PLAIN, x=pa.array([0.5] * 4)), "?label=x", "the column 'x' is double; labels are whole numbers or"),
        (dict(image=PLAIN, x=pa.array(["0.5"] * 4)), "?label=x", "'x' has the number 0.5, which is no label"),
        (dict(image=PLAIN, x=pa.array([2**40] * 4)), "?label=x", "1099511627776, which is too large for a label"),
        (dict(image=PLAIN, x=pa.array(["a"] * 4)), "?target=x", "'x' is string, which is no number to predict"),
        (dict(image=pa.array([None] * 4, pa.binary())), "", "the column 'image' has no images"),
        (dict(image=pa.array([{"bytes": None, "path": "a"}] * 4, forms.BYTES)), "", "only paths of files: write the"),
        (dict(image=PLAIN[:0]), "", "there are no rows in the 1 files"),
    ],
)
def test_what_cannot_be_meant_is_one_sentence(tmp_path, columns, query, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        opened(tmp_path, columns, query)


def test_null_images_are_counted_and_replaced(tmp_path):
    values = STRUCT.to_pylist()
    values[1], values[3] = None, {"bytes": None, "path": "3.png"}
    source = opened(tmp_path, dict(image=pa.array(values, forms.BYTES)))
    assert "2 of the 4 rows have no image in 'image' and are replaced as images that cannot" in source.notices[0]
    assert source.gather(np.arange(4))[0].numpy().tolist() == [PNG[0], b"", PNG[2], b""]
    with pa.OSFile(str(tmp_path / "a.arrow"), "wb") as file:
        table = pa.table(dict(image=pa.array(values, forms.BYTES)))
        with ipc.new_stream(file, table.schema) as writer:
            writer.write_table(table, max_chunksize=3)
    (tmp_path / "state.json").write_text(json.dumps({"_data_files": [{"filename": "a.arrow"}]}))
    saved = sources.open(f"hf:{tmp_path}")
    assert saved.notices == tuple(n.replace(f"parquet:{tmp_path}/a.parquet", f"hf:{tmp_path}") for n in source.notices)
    assert saved.gather(np.arange(4))[0].numpy().tolist() == [PNG[0], b"", PNG[2], b""]
    assert saved.describe(3) == f"3.png, row 3 of {tmp_path}/a.arrow"


def test_files_that_are_none_or_end_early(tmp_path):
    opened(tmp_path, dict(image=PLAIN))
    path = tmp_path / "a.parquet"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ValueError, match="a.parquet is no Parquet file, or ends early"):
        sources.open(f"parquet:{tmp_path}")
    with pytest.raises(ValueError, match="no file matches .*/b.parquet"):
        sources.open(f"parquet:{tmp_path}/b.parquet")
    path.write_bytes(b"")
    with pytest.raises(ValueError, match="is no Parquet file"):
        sources.open(f"parquet:{path}")


def test_files_must_be_alike(tmp_path):
    parquet.write_table(pa.table(dict(image=PLAIN, label=pa.array([1] * 4))), tmp_path / "a.parquet")
    parquet.write_table(pa.table(dict(image=PLAIN, label=pa.array(["x"] * 4))), tmp_path / "b.parquet")
    with pytest.raises(ValueError, match="the column 'label' is string in .*b.parquet and int64 in .*a.parquet"):
        sources.open(f"parquet:{tmp_path}")
    parquet.write_table(pa.table(dict(image=PLAIN)), tmp_path / "b.parquet")
    with pytest.raises(ValueError, match="the column 'label' is not there in .*b.parquet"):
        sources.open(f"parquet:{tmp_path}/{{a,b}}.parquet")


@pytest.mark.parametrize(
    "files, query, said",
    [
        (["train-00000-of-00001", "test-00000-of-00001"], "", "holds the splits test, train: name one, as in"),
        (["train/0000", "test/0000"], "?split=val", "no 'val' in the splits; there are test, train"),
        (["a/train-00000-of-00001", "b/train-00000-of-00001"], "", "holds the split train in a, b: name one of"),
        ([], "", "holds neither what save_to_disk writes (state.json) nor Parquet files; a folder"),
        (["train"], "?splt=train", "no 'splt' in the options of hf; did you mean split?"),
    ],
)
def test_folders_of_the_hub_that_are_not_plain(tmp_path, files, query, said):
    for file in files:
        (tmp_path / file).parent.mkdir(exist_ok=True)
        parquet.write_table(pa.table(dict(image=PLAIN)), tmp_path / f"{file}.parquet")
    with pytest.raises(ValueError, match=re.escape(said)):
        sources.open(f"hf:{tmp_path}{query}")


@pytest.mark.parametrize("files", [["data/train-00000-of-00002", "data/train-00001-of-00002", "data/test"],
                                   ["train/0000", "train/0001", "test/0000"], ["train", "test", "val"]])  # fmt: skip
def test_splits_of_the_hub(tmp_path, files):
    for file in files:
        (tmp_path / file).parent.mkdir(exist_ok=True)
        parquet.write_table(pa.table(dict(image=PLAIN)), tmp_path / f"{file}.parquet")
    count = sum("train" in file for file in files)
    assert sources.open(f"hf:{tmp_path}?split=train").size == 4 * count
    assert sources.open(f"hf:{tmp_path}?split=test").size == 4


def test_the_cache_of_datasets(tmp_path):
    text = forms.saved(tmp_path, forms.pictures())
    train = sources.open(text)
    cache = tmp_path / "cache"
    cache.mkdir()
    for path in (tmp_path / "set" / "train").glob("*.arrow"):
        shutil.copy(path, cache / f"birds-train-{path.name.removeprefix('data-')}")
    shutil.copy(next((tmp_path / "set" / "test").glob("*.arrow")), cache / "birds-test.arrow")
    (cache / "cache-0123.arrow").write_bytes(b"of a transformation")
    found = sources.open(f"hf:{cache}?split=train")
    assert found.size == 23 and found.classes == train.classes
    assert found.gather(np.arange(23))[0].numpy().tolist() == train.gather(np.arange(23))[0].numpy().tolist()
    with pytest.raises(ValueError, match="holds the splits test, train: name one"):
        sources.open(f"hf:{cache}")


def test_saved_sets_that_are_not_whole(tmp_path):
    place = tmp_path / "saved"
    place.mkdir()
    text = forms.saved(place, forms.pictures())
    with pytest.raises(ValueError, match="holds the splits train, test: name one, as in hf:.*split=train"):
        sources.open(text.replace("?split=train", ""))
    with pytest.raises(ValueError, match="one split was saved there alone; leave out split=train"):
        sources.open(text.replace("/set?", "/set/train?"))
    path = next((place / "set" / "train").glob("*.arrow"))
    path.write_bytes(path.read_bytes()[:900])
    with pytest.raises(ValueError, match="arrow is no Arrow file, or ends early"):
        sources.open(text)
    (place / "set" / "train" / "state.json").write_text("{}")
    with pytest.raises(ValueError, match="state.json names no files, so it is none of `datasets`"):
        sources.open(text)
    (place / "set" / "train" / "state.json").write_text("{")
    with pytest.raises(ValueError, match="state.json is no JSON, so it was not written to its end"):
        sources.open(text)
