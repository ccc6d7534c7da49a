"""How functions are written, read off the functions themselves: what they say, what their parameters are called.

Two rules are not here, since the code's own way is better. At the edges (`evals`, `data`, `shard`, `loop`) an option
may come by place: `mesh.make(8, 1)` is a sentence. And the key comes first in augmentations only: elsewhere it may be
the `key` of a query, or last among what a step needs.
"""

import argparse
import importlib
import inspect
import re
import types
from pathlib import Path

import pytest

import ssl_jax
from ssl_jax import methods
from ssl_jax.cli.verbs import methods as verb
from ssl_jax.config import catalog, registry
from ssl_jax.types import Card, Criterion, Method, Net
from ssl_jax.views import compose, geometric, photometric, photometric_host

ROOT = Path(ssl_jax.__file__).parent
READERS = ROOT / "exporting" / "readers"
SHELF = set(
    "criteria durations losses masks methods monitors nets optim paradigms pretext_tasks state targets views".split()
)
"""The rooms from which users take parts: their functions are the library's interface."""
NAMED_OTHERWISE = {"rng", "rngs", "prng", "prng_key", "rng_key", "random_key", "generator"}
ARXIV, SHAPE = re.compile(r"arXiv:\d{4}\.\d{4,5}"), re.compile(r"\[[a-z0-9., ]+\]")


def modules() -> dict:
    """Every module by its dotted name below the package; `__main__` would run, and so would a reader of exports."""
    paths = [path.relative_to(ROOT).with_suffix("") for path in sorted(ROOT.rglob("*.py")) if path.parent != READERS]
    names = [".".join(path.parts) for path in paths if path.name not in ("__main__", "__init__", "onnx_file")]
    return {name: importlib.import_module(f"ssl_jax.{name}") for name in names}


def public(module) -> dict:
    """The functions that a module defines for others."""
    found = {name: f for name, f in vars(module).items() if inspect.isfunction(f) and f.__module__ == module.__name__}
    return {name: f for name, f in found.items() if f.__name__ == name and not name.startswith("_")}


FUNCTIONS = {f"{m}.{name}": f for m, module in modules().items() for name, f in public(module).items()}
ON_THE_SHELF = {name: f for name, f in FUNCTIONS.items() if name.split(".")[0] in SHELF}
FORMULAS = {
    name: f for name, f in FUNCTIONS.items() if name.startswith("losses.") and not name.startswith("losses.precision.")
}


def parameters(function) -> list[inspect.Parameter]:
    """Without `*others` and `**options`."""
    every = inspect.signature(function).parameters.values()
    return [p for p in every if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]


def test_the_functions_are_found():
    assert len(FUNCTIONS) > 200 and len(ON_THE_SHELF) > 100 and len(FORMULAS) > 15


def test_every_public_function_says_what_it_is():
    assert [name for name, f in FUNCTIONS.items() if not (f.__doc__ or "").strip()] == []


def test_every_public_function_says_what_it_takes_and_gives():
    bare = [f"{name}: {p.name}" for name, f in FUNCTIONS.items() for p in parameters(f) if p.annotation is p.empty]
    silent = [
        name for name, f in FUNCTIONS.items() if inspect.signature(f).return_annotation is inspect.Signature.empty
    ]
    assert bare + silent == []


def test_randomness_is_called_key():
    named = [(n, p) for n, f in FUNCTIONS.items() for p in parameters(f) if p.name in NAMED_OTHERWISE]
    assert [f"{n}: {p.name}" for n, p in named if p.annotation is not Net] == []  # a generator can be a network, too


def test_options_have_names():
    """What has a default comes after `*`."""

    def by_place(p):
        return p.default is not p.empty and p.kind is not p.KEYWORD_ONLY

    assert [f"{name}: {p.name}" for name, f in ON_THE_SHELF.items() for p in parameters(f) if by_place(p)] == []


@pytest.mark.parametrize("room, kind", [("nets", Net), ("methods", Method), ("criteria", Criterion)])
def test_only_records_come_to_a_constructor_by_place(room, kind):
    """`moco_v2(encoder, projector, 65536, 0.2)` would say nothing; a record made of another is not constructed."""

    def number_by_place(p):
        return p.kind is not p.KEYWORD_ONLY and p.annotation in (int, float, str, bool)

    makers = registry.listing(room, kind)
    makers = {name: f for name, f in makers.items() if all(p.annotation is not kind for p in parameters(f))}
    assert [f"{name}: {p.name}" for name, f in makers.items() for p in parameters(f) if number_by_place(p)] == []


def test_augmentations_take_what_is_random_first():
    """`compose` knows an operation by its first two parameters, so that one in another order would be none."""
    late = []
    for module, source in ((photometric, "key"), (photometric_host, "seed"), (geometric, "seed")):
        for name, f in public(module).items():
            late += [f"{module.__name__}.{name}" for p in parameters(f)[1:] if p.name == source]
    assert late == []
    assert len(compose.PHOTOMETRIC) > 7 and len(compose.GEOMETRIC) > 5


def test_both_forms_of_an_operation_take_the_same():
    for name in compose.PHOTOMETRIC.keys() - {"normalize"}:  # always the device's
        forms = [parameters(getattr(module, name))[1:] for module in (photometric, photometric_host)]
        device, host = ([(p.name, p.kind, p.default) for p in form] for form in forms)
        assert device == host, f"{name} differs between host and device"


def test_a_loss_says_its_source_and_shapes():
    assert [name for name, f in FORMULAS.items() if not ARXIV.search(f.__doc__)] == []
    assert [name for name, f in FORMULAS.items() if not SHAPE.search(f.__doc__)] == []


@pytest.mark.parametrize("path", sorted((ROOT / "methods").glob("[!_]*.py")), ids=lambda path: path.stem)
def test_a_method_fits_on_a_card(path):
    assert len(path.read_text().splitlines()) <= 40, "what is longer belongs on a shelf"
    own = {name for name in FUNCTIONS if name.startswith(f"methods.{path.stem}.")}
    assert own == {f"methods.{path.stem}.{path.stem}"}, "its constructor, of the same name, and nothing else"


def test_every_method_has_a_card_and_a_paradigm():
    rows = catalog.methods()
    assert {row["name"] for row in rows} == set(registry.listing("methods", Method))
    assert [row["name"] for row in rows if not 1900 < row["year"] < 2100 or not row["title"]] == []
    assert [row["name"] for row in rows if row["paper"] and not ARXIV.fullmatch(row["paper"])] == []
    assert [row["name"] for row in rows if not (ROOT / "paradigms" / f"{row['paradigm']}.py").exists()] == []


@pytest.mark.parametrize(
    "card, sentence",
    [
        (None, "ssl_jax.methods.mine has no card; write CARD = Card"),
        ("BYOL (Grill 2020)", "ssl_jax.methods.mine has no card"),
        (Card("BYOL", "joint embeding", 2020), "no 'joint embeding' in the families .* did you mean joint embedding"),
    ],
)
def test_a_file_without_a_card_is_named(card, sentence):
    module = types.ModuleType("ssl_jax.methods.mine")
    module.CARD = card
    with pytest.raises(ValueError, match=sentence):
        catalog.card(module)


def test_a_file_that_cannot_be_imported_is_a_sentence_and_takes_no_other_with_it(tmp_path, monkeypatch, capsys):
    """Also where it is asked for by name, or where the name is nowhere, since it could have been in there."""
    (tmp_path / "mine.py").write_text("import no_such_package\n")
    monkeypatch.setattr(methods, "__path__", [*methods.__path__, str(tmp_path)])
    registry._modules.cache_clear()
    sentence = "ssl_jax/methods/mine.py cannot be imported .ModuleNotFoundError: No module named 'no_such_package'"
    try:
        assert registry.find("methods", "byol", Method).__name__ == "byol"
        assert "byol" in registry.listing("methods", Method)
        for name in ("mine", "nowhere_to_be_found"):
            with pytest.raises(ValueError, match=sentence):
                registry.find("methods", name, Method)
        verb.run(argparse.Namespace(json=True))
        printed = capsys.readouterr()
        assert re.search(sentence, printed.err) and '"byol"' in printed.out
    finally:
        registry._modules.cache_clear()


def test_a_constructor_in_a_file_of_its_name_needs_no_other_file(monkeypatch):
    def no(folder):
        raise AssertionError("other files were imported")

    monkeypatch.setattr(registry, "_modules", no)
    assert registry.find("nets", "resnet", Net).__name__ == "resnet"
    assert registry.find("methods", "simclr", Method).__name__ == "simclr"
