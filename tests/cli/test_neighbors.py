"""`ssl-jax neighbors` from end to end, by an encoder that has learned nothing: copies are alike for any."""

import csv
import re

import numpy as np
import pytest
from pyarrow import parquet

from ssl_jax.cli.main import main
from ssl_jax.exporting import export
from tests.data import forms
from tests.exporting.drawn import drawn

GRAY = {f"{'ab'[k % 2]}/{k:02d}.png": forms.png(k, channels=1, size=(28, 28)) for k in range(14)}
FILES = dict(sorted({**GRAY, "a/copy.png": GRAY["b/03.png"], "b/broken.png": b"garbage"}.items()))


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    path = tmp_path_factory.mktemp("exported") / "encoder.npz"
    net = drawn("quickstart", channels=1, nets__encoder__depth="(1, 1)", nets__encoder__base="4")
    export.written(net, "npz", str(path), verify=False)
    return path


@pytest.fixture(scope="module")
def made(exported, tmp_path_factory):
    """(its flags, the folder that it wrote)."""
    place = tmp_path_factory.mktemp("neighbors")
    flags = [
        "neighbors",
        f"--workdir={exported}",
        f"--data={forms.folder(place, FILES)}",
        "--k=3",
        "--threshold=0.9999",
    ]
    assert main([*flags, f"--out={place}/new/out"]) == 0
    return flags, place / "new" / "out"


def rows(path):
    with path.open() as file:
        return list(csv.DictReader(file))


def test_the_table_has_a_row_for_every_file_and_the_cosines_of_the_features(made):
    table, features = rows(made[1] / "neighbors.csv"), np.load(made[1] / "features.npz")
    assert [row["path"].rpartition("/set/")[2] for row in table] == list(FILES)
    x = features["features"] / np.linalg.norm(features["features"], axis=1, keepdims=True)
    for k, row in enumerate(table):
        assert (row["index"], row["label"]) == (str(k), str(features["labels"][k]))
        if row["path"].endswith("broken.png"):
            assert (row["valid"], row["neighbor_1"], row["cosine_1"], row["distance"]) == ("False", "-1", "", "")
            continue
        near, cosines = ([float(row[f"{name}_{n}"]) for n in (1, 2, 3)] for name in ("neighbor", "cosine"))
        np.testing.assert_allclose(cosines, x[k] @ x[np.array(near, int)].T, atol=1e-5)
        others = np.delete(x @ x[k], [k, *np.flatnonzero(~features["valid"])])
        np.testing.assert_allclose(cosines, -np.sort(-others)[:3], atol=1e-5)
        assert float(row["distance"]) == pytest.approx(1 - np.mean(cosines), abs=1e-5)


def test_pairs_name_both_files(made):
    [pair] = rows(made[1] / "pairs.csv")
    ends = {pair["path_one"].rpartition("/")[2], pair["path_other"].rpartition("/")[2]}
    assert ends == {"03.png", "copy.png"} and {pair["label_one"], pair["label_other"]} == {"0", "1"}
    assert float(pair["cosine"]) == pytest.approx(1, abs=1e-5)


def test_the_page_shows_neighbors_pairs_outliers_and_clusters(made):
    text = (made[1] / "index.html").read_text()
    sections = dict(re.findall(r'<section id="([^"]+)">(.*?)</section>', text, re.DOTALL))
    assert list(sections) == ["neighbors", "most-alike", "outliers", "clusters"]
    assert sections["most-alike"].count("<img") == 2 and "labels differ" in sections["most-alike"]
    assert sections["neighbors"].count("<img") == 15 * 4 and sections["outliers"].count("<img") == 15
    assert sections["clusters"].count("<img") >= 10 and "broken" not in text and "<script" not in text


@pytest.mark.parametrize("kind", ["npz", "parquet"])
def test_other_tables_have_the_same_and_features_are_not_made_again(made, kind, capsys):
    flags, out = made
    before = (out / "features.npz").stat().st_mtime_ns
    assert main([*flags, f"--out={out}", f"--table={kind}"]) == 0
    assert "1 of them unreadable (NaN, valid=False)" in capsys.readouterr().out
    assert (out / "features.npz").stat().st_mtime_ns == before
    path = out / f"neighbors.{kind}"
    table = dict(np.load(path)) if kind == "npz" else parquet.read_table(path).to_pydict()
    for k, row in enumerate(rows(out / "neighbors.csv")):
        assert [str(n) for n in table["neighbor"][k]] == [row[f"neighbor_{n}"] for n in (1, 2, 3)]
        assert table["path"][k] == row["path"]
    assert np.shape(table["cosine"]) == (16, 3) and np.shape(table["distance"]) == (16,)


@pytest.mark.parametrize(
    "flags, said",
    [
        (("--k=0",), "--k=0: take 1 or more neighbors"),
        (("--k=16",), "--k=16: "),
        (("--k=15",), "15 neighbors are asked for, and each of 15 examples has 14 others"),
        (("--batch=0",), "--batch=0: take 1 or more images at a time"),
        (("--threshold=2",), "--threshold=2.0 is no cosine, which is between -1 and 1"),
        (("--table=xlsx",), "invalid choice: 'xlsx'"),
        (("--data=folder:/not/there",), "/not/there"),
        (("--workdir=/not/there",), "/not/there is not the work directory of a run"),
        (("--workdir=/not/there.npz",), "there is no file /not/there.npz"),
        (("--out=FILE",), "is a file; name a folder, which may be new"),
        (("--which=teacher",), "encoder.npz holds encoder of step 7 alone, not which=teacher"),
        (("--step=8",), "encoder.npz holds encoder of step 7 alone, not step=8"),
    ],
)
def test_a_mistake_is_one_sentence(made, flags, said, tmp_path, capsys):
    (tmp_path / "file").write_text("mine")
    places = {"--out=FILE": f"--out={tmp_path}/file"}
    try:
        code = main([*made[0], f"--out={tmp_path}/out", *(places.get(flag, flag) for flag in flags)])
    except SystemExit as end:
        code = end.code
    words = capsys.readouterr().err.strip()
    assert code == 2 and said in words and "Traceback" not in words
    assert "\n" not in words or "usage:" in words


def test_features_of_another_encoder_are_not_taken(made, capsys, tmp_path):
    flags = [made[0][0], made[0][1], f"--data={forms.folder(tmp_path, dict(list(GRAY.items())[:6]))}", "--k=3"]
    assert main([*flags, f"--out={made[1]}"]) == 2
    assert "features.npz is there already, with the features of another request" in capsys.readouterr().err
