"""What methods there are: read off the files of methods/ and the recipes."""

import inspect
import re

from ssl_jax import recipes, registry
from ssl_jax.types import Method

FAMILIES = {
    "joint_embedding": "joint embedding",
    "self_distillation": "joint embedding",
    "masked_modeling": "masked modelling",
    "pretext": "pretext task",
    "imitation": "distillation",
}
CITATION = re.compile(
    r"(?P<title>\S[^(,]*)(, [^(]+)? "
    r"\((?P<authors>[^()]+) (?P<year>\d{4}), arXiv:(?P<arxiv>\d{4}\.\d{4,5})[^()]*\): \S.*"
)
"""How the file of a method begins, in one line: `Name (Who year, arXiv:number): what it does`."""


def methods() -> list[dict]:
    """One row a method: name, title, family, paper (arXiv number), year, paradigm, recipes.

    Raises ValueError where a file of methods/ does not begin with its citation.
    """
    known = {name: recipes.load(name)["method"]["name"] for name in recipes.names()}
    rows = []
    for name, make in registry.listing("methods", Method).items():
        module = inspect.getmodule(make)
        cited = citation(module.__name__, module.__doc__ or "")
        source = inspect.getsource(module)
        paradigm = next((p for p in FAMILIES if f"paradigms.{p} import" in source), "its own")
        rows.append(
            {
                "name": name,
                "title": cited["title"],
                "family": FAMILIES.get(paradigm, "its own"),
                "paper": f"arXiv:{cited['arxiv']}",
                "year": int(cited["year"]),
                "paradigm": paradigm,
                "recipes": [r for r, m in known.items() if m == name],
            }
        )
    return rows


def citation(module: str, doc: str) -> dict[str, str]:
    """title, authors, year and arxiv, read off the first line of a docstring. Raises ValueError with the form."""
    first = doc.partition("\n")[0]
    found = CITATION.fullmatch(first)
    if not found:
        raise ValueError(f"{module} begins with '{first}'; write 'Name (Who year, arXiv:1234.56789): what it does'")
    return found.groupdict()
