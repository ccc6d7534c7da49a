"""One sentence for a name that does not exist."""

from pathlib import Path

import pytest

import ssl_jax
from ssl_jax.checks import spelling


@pytest.mark.parametrize(
    "name, known, sentence",
    [
        ("simclear", ("byol", "simclr"), "no 'simclear' in the methods; did you mean simclr?"),
        ("train1", ("test", "train"), "no 'train1' in the methods; did you mean train?"),
        ("zzz", ("byol", "simclr"), "no 'zzz' in the methods; there are byol, simclr"),
        (None, ("byol",), "no 'None' in the methods; there are byol"),
        (51, (50, 34), "no '51' in the methods; did you mean 50?"),
        ("zzz", (), "no 'zzz' in the methods, where there is nothing"),
    ],
)
def test_the_nearest_names_or_all(name, known, sentence):
    assert spelling.unknown(name, known, "the methods") == sentence


def test_of_many_names_the_first_are_listed():
    sentence = spelling.unknown("zzz", (f"a{i}" for i in range(300)), "the classes")
    assert f"a{spelling.FEW - 1}, … 300 in all" in sentence and f"a{spelling.FEW}" not in sentence


def test_nobody_else_looks_for_near_names():
    root = Path(ssl_jax.__file__).parent
    assert [p.name for p in root.rglob("*.py") if "difflib" in p.read_text()] == ["spelling.py"]
