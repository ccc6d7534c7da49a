"""docs/methods says what the code says: a page for each method, its defaults, its recipes, its functions, its links."""

import ast
import importlib
import inspect
import re
from pathlib import Path

import pytest

from ssl_jax.config import catalog, recipes, registry
from ssl_jax.configs import presets
from ssl_jax.types import Examples, Method, Net

DOCS = Path(__file__).parents[2] / "docs"
FOLDER = DOCS / "methods"
PAGES = {path.stem: path.read_text() for path in sorted(FOLDER.glob("*.md")) if path.stem != "README"}
METHODS = registry.listing("methods", Method)
RECIPES = {row["name"]: set(row["recipes"]) for row in catalog.methods()}
HEADINGS = [
    *("## Loss", "## Views, networks, state", "## Recipes", "## What to expect"),
    *("## What breaks it silently", "## Paper and code", "## Cost"),
]
OPTIONS = "| option | default | source |"


def nets(name: str) -> list[str]:
    return [n for n, p in inspect.signature(METHODS[name]).parameters.items() if Net.__name__ in str(p.annotation)]


def options(name: str) -> dict:
    """What a recipe may say of a method, with the defaults; "required" is what it has to say."""
    parameters = inspect.signature(METHODS[name]).parameters
    read = [p for n, p in parameters.items() if n not in nets(name) and p.annotation is not Examples]
    return {p.name: "required" if p.default is p.empty else p.default for p in read}


def table(text: str) -> dict:
    """The options of a page's table and their defaults."""
    rows = text.split(OPTIONS, 1)[1].split("\n\n", 1)[0].splitlines()[2:]
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    return {name.strip("`"): said if said == "required" else ast.literal_eval(said) for name, said, _ in cells}


def prose(text: str) -> str:
    return " ".join(re.sub(r"^```.*?^```", "", text, flags=re.M | re.S).split())


def test_every_method_has_a_page_and_every_page_a_method():
    assert set(PAGES) == set(METHODS)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_the_headings(name):
    assert re.findall(r"^## .*", PAGES[name], re.M) == HEADINGS
    assert len(re.findall(r"^# .*", PAGES[name], re.M)) == 1 and PAGES[name].startswith("# ")


@pytest.mark.parametrize("name", METHODS)
def test_the_table_has_the_options_and_their_defaults(name):
    assert table(PAGES[name]) == options(name)
    assert list(table(PAGES[name])) == list(options(name))


@pytest.mark.parametrize("name", METHODS)
def test_the_nets_are_named(name):
    assert [net for net in nets(name) if f"`{net}`" not in PAGES[name]] == []
    assert f'`name="{name}"`' in prose(PAGES[name])


@pytest.mark.parametrize("name", METHODS)
def test_the_recipes_are_those_of_the_method(name):
    said = {text.split(":")[0] for text in re.findall(r"--config=(\w+)(?!\w*\.py)", PAGES[name])}
    assert said <= set(recipes.names())
    assert RECIPES[name] <= said, f"docs/methods/{name}.md names no {', '.join(RECIPES[name] - said)}"


@pytest.mark.parametrize("name", METHODS)
def test_the_paper_is_the_cards(name):
    paper = catalog.card(inspect.getmodule(METHODS[name])).paper
    assert not paper or f"https://arxiv.org/abs/{paper.removeprefix('arXiv:')})" in PAGES[name]


@pytest.mark.parametrize("name", [*PAGES, "README"])
def test_functions_files_and_presets_are_there(name):
    text = prose((FOLDER / f"{name}.md").read_text())
    for path, function in re.findall(r"`([a-z_/]+)\.py: (\w+)`", text):
        assert inspect.isfunction(getattr(importlib.import_module(f"ssl_jax.{path.replace('/', '.')}"), function))
    assert [p for p in re.findall(r"`presets\.(\w+)", text) if not hasattr(presets, p)] == []
    assert [p for p in re.findall(r"`((?:tests|benchmarks)/[\w/.]+)`", text) if not (DOCS.parent / p).exists()] == []


@pytest.mark.parametrize("path", sorted(DOCS.rglob("*.md")), ids=lambda path: str(path.relative_to(DOCS)))
def test_links_between_pages_resolve(path):
    found = re.findall(r"\[[^\]]*\]\(([^)#\s]+)", prose(path.read_text()))
    assert [link for link in found if "://" not in link and not (path.parent / link).exists()] == []


@pytest.mark.parametrize("name", [*PAGES, "README"])
def test_formulas_are_whole(name):
    """Braces and left-right pairs close; within a line nothing is escaped that Markdown would eat."""
    text = (FOLDER / f"{name}.md").read_text()
    blocks = re.findall(r"^```math\n(.*?)^```", text, re.M | re.S)
    inline = re.findall(r"\$([^$]+)\$", re.sub(r"`[^`\n]*`", "", prose(text)))
    for formula in (*blocks, *inline):
        assert formula.count("{") - formula.count(r"\{") == formula.count("}") - formula.count(r"\}"), formula
        assert len(re.findall(r"\\left\b", formula)) == len(re.findall(r"\\right\b", formula)), formula
    assert [formula for formula in inline if re.search(r"\\[,;!{}\\]", formula)] == []
    assert name == "README" or blocks


def test_the_list_has_every_method():
    text = (FOLDER / "README.md").read_text()
    assert sorted(re.findall(r"^\| \[[^\]]*\]\((\w+)\.md\)", text, re.M)) == sorted(METHODS)
