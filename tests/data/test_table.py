import re

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from ssl_jax.data import sources


@pytest.fixture
def faces(tmp_path):
    """Four pictures and their table, in which an age is missing and one picture is for testing."""
    (tmp_path / "pictures").mkdir()
    for k in range(4):
        Image.new("RGB", (8, 6), (10 * k, 0, 0)).save(tmp_path / "pictures" / f"{k}.png")
    rows = [
        "0,pictures/0.png,31,train",
        "1,pictures/1.png,,train",
        "2,pictures/2.png,7.5,train",
        "3,pictures/3.png,60,test",
    ]
    (tmp_path / "ages.csv").write_text("\n".join(["number,path,age,split", *rows]) + "\n")
    return tmp_path / "ages.csv"


def test_pictures_come_with_their_numbers(faces):
    train, test, every = (sources.open(f"table:{faces}?target=age{q}") for q in ("&split=train", "&split=test", ""))
    assert (train.size, test.size, every.size) == (3, 1, 4) and train.digest != every.digest
    np.testing.assert_array_equal(train.targets[:, 0], [31, np.nan, 7.5])
    decoded = sources.images(train, np.array([2]))[0]
    assert decoded.shape == (6, 8, 3) and (decoded[..., 0] == 20).all()
    assert train.describe(2) == f"{faces.parent}/pictures/2.png" and train.labels.tolist() == [-1] * 3
    assert sources.open(f"table:{faces}?target=age", channels=1).image.channels == 1
    assert tf.strings.length(train.read(tf.constant(0, tf.int64))[0]) > 0


@pytest.mark.parametrize(
    "query, said",
    [
        ("?target=agee", "no 'agee' in the columns; did you mean age"),
        ("?target=age&image=file", "no 'file' in the columns"),
        ("?target=path", "line 2: the target 'pictures/0.png' is no number"),
        ("?target=age&split=val", "no line has the split 'val'"),
        ("?tarket=age", "no 'tarket' in the options of table; did you mean target"),
    ],
)
def test_what_is_not_there_is_one_sentence(faces, query, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        sources.open(f"table:{faces}{query}")


def test_a_table_that_is_missing(tmp_path):
    with pytest.raises(ValueError, match="there is no such file"):
        sources.open(f"table:{tmp_path}/no.csv")
